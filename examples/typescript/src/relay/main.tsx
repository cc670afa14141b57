import { Window } from 'happy-dom';
import { Suspense, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { graphql, RelayEnvironmentProvider } from 'react-relay';
import { commitMutation, requestSubscription, type GraphQLTaggedNode, type MutationParameters } from 'relay-runtime';

import { filter, results, tell } from '../server';
import type { mainExportMutation } from './__generated__/mainExportMutation.graphql';
import type { mainProgressSubscription } from './__generated__/mainProgressSubscription.graphql';
import type { mainRecordMutation } from './__generated__/mainRecordMutation.graphql';
import { environment } from './environment';
import { History } from './History';
import { Image } from './Image';

const window = new Window(); // a page for React, in Node
Object.assign(globalThis, { window, document: window.document });

function commit<M extends MutationParameters>(mutation: GraphQLTaggedNode, variables: M['variables']) {
  return new Promise<M['response']>((resolve, reject) => {
    commitMutation<M>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
  });
}

async function record() {
  const mutation = graphql`
    mutation mainRecordMutation($input: [DescriptionInput!]!) {
      recordDescriptions(input: $input) {
        recorded
        alreadyKnown
      }
    }
  `;
  const { recordDescriptions } = await commit<mainRecordMutation>(mutation, { input: results });
  tell('recorded', recordDescriptions);

  await commit<mainRecordMutation>(mutation, { input: [{ sourceType: 'single', confidenceScore: 7 }] }).catch(
    (error) => tell('refused', error.source.errors[0].extensions),
  );
}

/** Shows a component, and asks for more until there is no more. */
async function show(component: ReactNode) {
  const page = document.createElement('main');
  const root = createRoot(page);
  root.render(
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback={<p>Loading …</p>}>{component}</Suspense>
    </RelayEnvironmentProvider>,
  );
  for (let shown = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const items = [...page.querySelectorAll('li')];
    if (items.length === shown) continue;
    shown = items.length;
    tell('page', [page.querySelector('h1')?.textContent, ...items.map((item) => item.textContent)]);
    const more = page.querySelector('button');
    if (!more || more.disabled) break;
    more.click();
  }
  root.unmount();
}

async function exportAll() {
  const { createExport } = await commit<mainExportMutation>(
    graphql`
      mutation mainExportMutation($input: CreateExportInput!) {
        createExport(input: $input) {
          id
        }
      }
    `,
    { input: { format: 'CSV', filter } },
  );
  await new Promise<void>((resolve, reject) => {
    requestSubscription<mainProgressSubscription>(environment, {
      subscription: graphql`
        subscription mainProgressSubscription($id: ID!) {
          exportProgress(id: $id) {
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
      `,
      variables: { id: createExport.id },
      onNext: (response) => {
        if (response?.exportProgress.receipt) tell('exported', response.exportProgress);
      },
      onCompleted: resolve,
      onError: reject,
    });
  });
}

void record()
  .then(() => show(<History filter={filter} />))
  .then(() => show(<Image id="example_0" />))
  .then(exportAll)
  .then(() => process.exit()); // Relay keeps what was read for minutes
