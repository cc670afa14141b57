import { createClient as overEvents } from 'graphql-sse';
import { createClient as overWebSocket } from 'graphql-ws';
import { WebSocket } from 'ws'; // browsers, and Node from 22 on, have their own

import { headers, url } from './server';

const clients = {
  sse: () => overEvents({ url: `${url}/graphql`, headers }),
  websocket: () =>
    overWebSocket({
      url: `${url.replace('http', 'ws')}/graphql`,
      connectionParams: headers,
      webSocketImpl: WebSocket,
    }),
};

/** What subscriptions go over: `sse`, or `websocket`. Both clients are used in the same way. */
export const transport = (process.argv[2] ?? 'sse') as keyof typeof clients;
export const live = clients[transport]();
