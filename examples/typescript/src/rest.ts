import createClient from 'openapi-fetch';

import type { paths } from './openapi';
import { headers, tell, url } from './server';

const client = createClient<paths>({ baseUrl: url, headers });

async function read() {
  const { data, error } = await client.GET('/api/v2/data/descriptions', {
    params: { query: { search: 'dog', limit: 2 } },
  });
  if (!data) throw error;
  tell('page', [data.total_count, ...data.items.map((item) => item.description)]);

  const refused = await client.GET('/api/v2/data/descriptions', { params: { query: { limit: 5000 } } });
  tell('refused', refused.error);
}

async function exportAll() {
  const started = await client.POST('/api/v2/data/export', {
    params: { header: { 'idempotency-key': crypto.randomUUID() } },
    body: { data_type: 'descriptions', format: 'jsonl', search_terms: ['dog'], fields: ['description'] },
  });
  if (!started.data) throw started.error;
  const params = { path: { export_id: started.data.export_id } };
  for (let delay = 50; ; delay = Math.min(2 * delay, 2000)) {
    const { data, error } = await client.GET('/api/v2/data/export/{export_id}', { params });
    if (!data) throw error;
    if (data.status === 'failed') throw new Error(data.error_message ?? 'The export has failed.');
    if (data.download_url) {
      tell('exported', { rows: data.record_count, file: await (await fetch(data.download_url)).text() });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

void read().then(exportAll);
