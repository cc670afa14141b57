import type { CodegenConfig } from '@graphql-codegen/cli';

export default {
  schema: '../../graphql_schema/schema.graphql',
  documents: ['src/*.ts'],
  generates: { 'src/gql/': { preset: 'client' } },
  config: {
    strictScalars: true,
    scalars: {
      ID: 'string',
      DateTime: 'string', // RFC 3339, in UTC
      Date: 'string', // a day in UTC
      BigInt: 'number', // under 2^53
      JSON: 'unknown',
    },
  },
} satisfies CodegenConfig;
