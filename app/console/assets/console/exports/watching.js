import { ask } from "../client.js";
import { connection } from "../connection.js";
import { EXPORT_NOW, EXPORT_PROGRESS } from "../documents.js";
import { useEffect } from "../lib.js";
import { address } from "../page.js";
import { createClient } from "../../vendor/graphql-sse-2.6.1/graphql-sse.js";

const STREAMS = 3; // over HTTP/1.1 a browser opens six connections to a server, and pages need some
const POLL = 3000; // milliseconds

const streams = createClient({ url: address("graphql"), retryAttempts: 0 });

export const isActive = ({ status }) => status === "PENDING" || status === "PROCESSING";

/** Tells how an export gets on, by a stream; the promise is kept when the stream has ended, broken where it breaks. */
function follow(id, tell, stopped) {
  return new Promise((resolve, reject) => {
    const stop = streams.subscribe(
      { query: EXPORT_PROGRESS, variables: { id } },
      {
        next({ data, errors }) {
          if (errors) reject(new Error(errors[0].message));
          else tell(data.exportProgress);
        },
        error: reject,
        complete: resolve,
      },
    );
    stopped(stop);
  });
}

/** Tells `changed(export)` of the active ones among those listed: three by streams, the others by asking. */
export function useProgress(listed, changed) {
  const active = listed.filter(isActive).map(({ id }) => id);
  const streamed = active.slice(-STREAMS).join(" ");
  const polled = active.slice(0, -STREAMS).join(" ");

  useEffect(() => {
    if (!streamed) return undefined;
    const stops = [];
    let gone = false;
    async function watch(id) {
      // A stream may break, by a proxy or by the end of the session; then we ask.
      await follow(id, changed, (stop) => stops.push(stop)).catch(() => poll(id));
    }
    async function poll(id) {
      while (!gone) {
        if (!document.hidden && !connection.get().down) {
          const data = await ask(EXPORT_NOW, { id }).catch(() => null);
          if (data && !gone) changed(data.export ?? { id, gone: true });
          if (data && !(data.export && isActive(data.export))) return;
        }
        await new Promise((resolve) => setTimeout(resolve, POLL));
      }
    }
    for (const id of streamed.split(" ")) watch(id);
    for (const id of polled.split(" ").filter(Boolean)) poll(id);
    return () => {
      gone = true;
      for (const stop of stops) stop();
    };
  }, [streamed, polled]);
}
