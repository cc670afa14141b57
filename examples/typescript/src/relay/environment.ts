import type { Sink } from 'graphql-ws';
import { Environment, Network, Observable, RecordSource, Store, type GraphQLResponse } from 'relay-runtime';

import { live } from '../live';
import { headers, url } from '../server';

const network = Network.create(
  async ({ text, name }, variables) => {
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    return (await answer.json()) as GraphQLResponse;
  },
  ({ text, name }, variables) =>
    Observable.create<GraphQLResponse>((sink) =>
      live.subscribe({ query: text!, operationName: name, variables }, sink as Sink<unknown>),
    ),
);

export const environment = new Environment({
  network,
  store: new Store(new RecordSource()),
  getDataID: ({ nodeId }) => nodeId, // `id` is unique within a type only
});
