/** Every GraphQL document of the console, each with the fields that are shown and no others. */

export const PAGE_OF_RESULTS = `query PageOfResults($filter: DescriptionFilter, $orderBy: DescriptionOrder, $at: DateTime,
  $first: Int, $after: String, $last: Int, $before: String) {
  descriptions(filter: $filter, orderBy: $orderBy, at: $at, first: $first, after: $after, last: $last, before: $before) {
    nodes {
      id type status sourceType createdAt imageUrl imageId description confidenceScore errorMessage reviewState
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export const NEWER_RESULTS = `query NewerResults($filter: DescriptionFilter, $cursor: String!) {
  descriptions(filter: $filter, first: 1) { newerThan(cursor: $cursor) }
}`;

export const COUNT_OF_RESULTS = `query CountOfResults($filter: DescriptionFilter) {
  statistics(filter: $filter) { totalCount }
}`;

const OF_STATISTICS = {
  total: "totalCount scoredCount averageConfidence",
  days: "dailyCounts { date count }",
  scores: "totalCount scoredCount confidenceDistribution { range count }",
  types: "truncated typeDistribution { type count }",
  sources: "truncated sourceDistribution { sourceType count }",
  reviews: "reviewCounts { state count }",
};

/**
 * Statistics over several filters in one request. `parts`: for each name of `OF_STATISTICS`, the filter that it is of.
 * Parts of one filter are asked for together; the answer has a field for each part. With the total comes what was seen.
 */
export function statisticsOf(parts) {
  const groups = new Map();
  for (const [name, filter] of Object.entries(parts)) {
    const key = JSON.stringify(filter);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const variables = {};
  const asked = [...groups].map(([filter, names], index) => {
    variables[`filter${index}`] = JSON.parse(filter);
    const counted = names.map((name) => OF_STATISTICS[name]).join(" ");
    const field = names.includes("total")
      ? `descriptions(filter: $filter${index}) { view statistics { ${counted} } }`
      : `statistics(filter: $filter${index}) { ${counted} }`;
    return `${names.join("_")}: ${field}`;
  });
  const declared = asked.map((_, index) => `$filter${index}: DescriptionFilter`).join(", ");
  return { document: `query StatisticsOfView(${declared}) {\n  ${asked.join("\n  ")}\n}`, variables };
}

export const RESULT = `query Result($id: ID!) {
  description(id: $id) {
    id type status sourceType sourceId createdAt imageUrl imageId description confidenceScore errorMessage
    verification metadata reviewState
    reviews { id verdict text note by at }
  }
}`;

export const SAID_OF_IMAGE = `query SaidOfImage($id: ID!, $first: Int!, $after: String) {
  image(id: $id) {
    id firstSeenAt lastSeenAt agreement
    descriptions(first: $first, after: $after) {
      totalCount
      nodes { id type status createdAt description confidenceScore errorMessage metadata reviewState }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

export const REVIEW_RESULTS = `mutation ReviewResults($input: [ReviewInput!]!) {
  reviewDescriptions(input: $input) { reviews { id descriptionId verdict text note by at } }
}`;

export const REVIEW_MATCHING = `mutation ReviewMatching($filter: DescriptionFilter, $expectedCount: Int!,
  $verdict: Verdict!, $note: String) {
  reviewMatching(filter: $filter, expectedCount: $expectedCount, verdict: $verdict, note: $note) { reviewed }
}`;

const EXPORT = `id status format compression fields recordCount createdAt completedAt expiredAt
  estimatedCompletionTime errorMessage downloadUrl
  progress { rowsWritten rowsTotal }
  receipt { rows bytes sha256 snapshotAt }
  ledger { rows downloadUrl }`;

export const EXPORTS = `query Exports($first: Int!, $after: String) {
  exports(first: $first, after: $after) {
    nodes { ${EXPORT} }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const EXPORT_NOW = `query ExportNow($id: ID!) { export(id: $id) { ${EXPORT} } }`;

export const EXPORT_EVENTS = `query ExportEvents($id: ID!) {
  export(id: $id) { events { type at attempt keyPrefix message } }
}`;

export const EXPORT_PROGRESS = `subscription ExportProgress($id: ID!) { exportProgress(id: $id) { ${EXPORT} } }`;

export const CREATE_EXPORT = `mutation CreateExport($input: CreateExportInput!, $idempotencyKey: String) {
  createExport(input: $input, idempotencyKey: $idempotencyKey) { id }
}`;

export const PLAN_EXPORT = `query PlanExport($input: CreateExportInput!) {
  planExport(input: $input) { bytes { value } seconds { value } }
}`;

export const CANCEL_EXPORT = `mutation CancelExport($id: ID!) { cancelExport(id: $id) { ${EXPORT} } }`;

export const RETRY_EXPORT = `mutation RetryExport($id: ID!) { retryExport(id: $id) { ${EXPORT} } }`;

export const DELETE_EXPORT = `mutation DeleteExport($id: ID!) { deleteExport(id: $id) }`;

const API_KEY = "prefix name scope createdAt expiresAt lastUsedAt active requestsPerMinute";

export const API_KEYS = `query ApiKeys { viewer { accountRequestsPerMinute } apiKeys { ${API_KEY} } }`;

export const CREATE_API_KEY = `mutation CreateApiKey($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { key apiKey { ${API_KEY} } }
}`;

export const LIMIT_API_KEY = `mutation LimitApiKey($prefix: ID!, $requestsPerMinute: Int) {
  limitApiKey(prefix: $prefix, requestsPerMinute: $requestsPerMinute) { ${API_KEY} }
}`;

export const REVOKE_API_KEY = `mutation RevokeApiKey($prefix: ID!) { revokeApiKey(prefix: $prefix) { ${API_KEY} } }`;
