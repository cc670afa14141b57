import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';

import { live, transport } from './live';
import { History, Progress, Record, StartExport } from './operations';
import { filter, headers, results, tell, url } from './server';

const overWebSocket = subscriptionExchange({
  forwardSubscription: ({ query = '', variables }) => ({
    subscribe: (sink) => ({ unsubscribe: live.subscribe({ query, variables }, sink) }),
  }),
});

const client = new Client({
  url: `${url}/graphql`,
  fetchOptions: { headers },
  exchanges: [cacheExchange, fetchExchange, ...(transport === 'websocket' ? [overWebSocket] : [])],
  fetchSubscriptions: transport === 'sse',
});

async function record() {
  const recorded = await client.mutation(Record, { input: results }).toPromise();
  tell('recorded', recorded.data?.recordDescriptions);

  const refused = await client.mutation(Record, { input: [{ sourceType: 'single', confidenceScore: 7 }] }).toPromise();
  tell('refused', refused.error?.graphQLErrors[0]?.extensions);
}

async function read(after: string | null = null) {
  const page = await client.query(History, { filter, first: 1, after }).toPromise();
  if (!page.data) throw page.error;
  const { totalCount, edges, pageInfo } = page.data.descriptions;
  tell('page', [totalCount, ...edges.map(({ node }) => node.description)]);
  if (pageInfo.hasNextPage) await read(pageInfo.endCursor);
}

async function exportAll() {
  const started = await client.mutation(StartExport, { input: { format: 'CSV', filter } }).toPromise();
  if (!started.data) throw started.error;
  const { id } = started.data.createExport;
  await new Promise<void>((resolve, reject) => {
    client.subscription(Progress, { id }).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      if (hasNext) return;
      tell('exported', data?.exportProgress);
      resolve();
    });
  });
}

void record()
  .then(() => read())
  .then(exportAll);
