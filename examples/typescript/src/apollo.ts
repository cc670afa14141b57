import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, Observable } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { print } from 'graphql';

import { live } from './live';
import { History, Progress, Record, StartExport } from './operations';
import { filter, headers, results, tell, url } from './server';

const overHttp = new HttpLink({ uri: `${url}/graphql`, headers });
const overLive = new ApolloLink(
  ({ query, variables, operationName = '' }) =>
    new Observable((sink) => live.subscribe({ query: print(query), variables, operationName }, sink)),
);

const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === 'subscription', overLive, overHttp),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { descriptions: relayStylePagination(['filter', 'orderBy']) } } },
  }),
});

async function record() {
  const recorded = await client.mutate({ mutation: Record, variables: { input: results } });
  tell('recorded', recorded.data?.recordDescriptions);

  await client
    .mutate({ mutation: Record, variables: { input: [{ sourceType: 'single', confidenceScore: 7 }] } })
    .catch((error: unknown) => {
      if (!CombinedGraphQLErrors.is(error)) throw error;
      tell('refused', error.errors[0]?.extensions);
    });
}

function read() {
  const history = client.watchQuery({ query: History, variables: { filter, first: 1 } });
  return new Promise<void>((resolve, reject) => {
    history.subscribe(({ dataState, data, error, loading }) => {
      if (error) reject(error);
      if (loading || dataState !== 'complete') return;
      const { totalCount, edges, pageInfo } = data.descriptions;
      tell('page', [totalCount, ...edges.map(({ node }) => node.description)]);
      if (pageInfo.hasNextPage) void history.fetchMore({ variables: { after: pageInfo.endCursor } });
      else resolve();
    });
  });
}

async function exportAll() {
  const started = await client.mutate({ mutation: StartExport, variables: { input: { format: 'CSV', filter } } });
  const id = started.data!.createExport.id;
  await new Promise<void>((resolve, reject) => {
    client.subscribe({ query: Progress, variables: { id } }).subscribe({
      next: ({ data, error }) => {
        if (error) reject(error);
        if (data?.exportProgress.receipt) tell('exported', data.exportProgress);
      },
      complete: resolve,
    });
  });
}

void record().then(read).then(exportAll);
