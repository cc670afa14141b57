import type { DescriptionInput } from './gql/graphql';

export const url = process.env.SIGHTLOG_URL ?? 'http://127.0.0.1:8000';
export const headers = { Authorization: `Bearer ${process.env.SIGHTLOG_API_KEY}` };

/** What the examples record, read and export. */
export const results: DescriptionInput[] = ['A dog on a beach', 'Two dogs in snow', 'A cat'].map((description, place) => ({
  id: `example_${place}`,
  sourceType: 'single',
  sourceId: 'examples',
  createdAt: `2025-01-15T10:30:0${place}Z`,
  imageId: 'example_0',
  description,
  confidenceScore: 0.9,
  metadata: { model: 'none' },
}));
export const filter = { sourceIds: ['examples'], search: ['dog'] };

export function tell(what: string, told: unknown) {
  console.log(JSON.stringify({ [what]: told }));
}
