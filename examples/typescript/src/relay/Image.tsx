import { graphql, useLazyLoadQuery, usePaginationFragment } from 'react-relay';

import type { ImagePageQuery } from './__generated__/ImagePageQuery.graphql';
import type { ImageQuery } from './__generated__/ImageQuery.graphql';
import type { Image_image$key } from './__generated__/Image_image.graphql';
import { Result } from './Result';

/** All that was said of an image. Its pages are asked of `node`, by its `nodeId`. */
export function Image({ id }: { id: string }) {
  const { image } = useLazyLoadQuery<ImageQuery>(
    graphql`
      query ImageQuery($id: ID!) {
        image(id: $id) {
          ...Image_image
        }
      }
    `,
    { id },
  );
  const { data, hasNext, loadNext } = usePaginationFragment<ImagePageQuery, Image_image$key>(
    graphql`
      fragment Image_image on Image
      @refetchable(queryName: "ImagePageQuery")
      @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
        id
        descriptions(first: $count, after: $cursor) @connection(key: "Image_descriptions") {
          edges {
            node {
              id
              ...Result_result
            }
          }
        }
      }
    `,
    image ?? null,
  );
  return (
    <section>
      <h1>{data?.id}</h1>
      <ol>
        {data?.descriptions.edges.map(({ node }) => (
          <Result key={node.id} result={node} />
        ))}
      </ol>
      <button disabled={!hasNext} onClick={() => loadNext(2)}>
        More
      </button>
    </section>
  );
}
