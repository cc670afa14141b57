import { graphql } from './gql';

export const Record = graphql(`
  mutation Record($input: [DescriptionInput!]!) {
    recordDescriptions(input: $input) {
      recorded
      alreadyKnown
    }
  }
`);

export const History = graphql(`
  query History($filter: DescriptionFilter, $first: Int!, $after: String) {
    descriptions(filter: $filter, first: $first, after: $after) {
      totalCount
      edges {
        node {
          id
          createdAt
          description
          confidenceScore
          metadata
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const StartExport = graphql(`
  mutation StartExport($input: CreateExportInput!) {
    createExport(input: $input) {
      id
    }
  }
`);

export const Progress = graphql(`
  subscription Progress($id: ID!) {
    exportProgress(id: $id) {
      id
      status
      progress {
        rowsWritten
        rowsTotal
      }
      receipt {
        rows
        bytes
        sha256
      }
    }
  }
`);
