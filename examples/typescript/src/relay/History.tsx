import { graphql, useLazyLoadQuery, usePaginationFragment } from 'react-relay';

import type { DescriptionFilter, HistoryQuery } from './__generated__/HistoryQuery.graphql';
import type { HistoryPageQuery } from './__generated__/HistoryPageQuery.graphql';
import type { History_query$key } from './__generated__/History_query.graphql';
import { Result } from './Result';

/** The results of a filter, one page after the other. */
export function History({ filter }: { filter: DescriptionFilter }) {
  const query = useLazyLoadQuery<HistoryQuery>(
    graphql`
      query HistoryQuery($filter: DescriptionFilter) {
        ...History_query @arguments(filter: $filter)
      }
    `,
    { filter },
  );
  const { data, hasNext, loadNext } = usePaginationFragment<HistoryPageQuery, History_query$key>(
    graphql`
      fragment History_query on Query
      @refetchable(queryName: "HistoryPageQuery")
      @argumentDefinitions(
        filter: { type: "DescriptionFilter" }
        count: { type: "Int", defaultValue: 1 }
        cursor: { type: "String" }
      ) {
        descriptions(filter: $filter, first: $count, after: $cursor) @connection(key: "History_descriptions") {
          totalCount
          edges {
            node {
              id
              ...Result_result
            }
          }
        }
      }
    `,
    query,
  );
  return (
    <section>
      <h1>{data.descriptions.totalCount}</h1>
      <ol>
        {data.descriptions.edges.map(({ node }) => (
          <Result key={node.id} result={node} />
        ))}
      </ol>
      <button disabled={!hasNext} onClick={() => loadNext(1)}>
        More
      </button>
    </section>
  );
}
