import { graphql, useFragment } from 'react-relay';

import type { Result_result$key } from './__generated__/Result_result.graphql';

export function Result({ result }: { result: Result_result$key }) {
  const { description } = useFragment(
    graphql`
      fragment Result_result on Description {
        description
      }
    `,
    result,
  );
  return <li>{description}</li>;
}
