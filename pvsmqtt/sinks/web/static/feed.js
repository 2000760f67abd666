// The line to the service: events, and what to do when they stop coming.

import { store, TAKE } from "./store.js";

const AGAIN = 3000;
const FIRST = 5000;

/** Follows the service for ever. `changed(name)` is called for each event, and with "connection". */
export function follow(changed) {
  let source = null;
  let timer = 0;

  const connected = (yes) => {
    if (store.connected === yes) return;
    store.connected = yes;
    changed("connection");
  };

  const expect = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(silent, ms);
  };

  function heard() {
    connected(true);
    expect(1000 * Math.max(20, 4 * (store.state?.refresh || 5)));
  }

  function take(name, data) {
    if (name === "state" && store.state && store.state.version !== data.version) {
      location.reload(); // another version of the service brings another page
      return;
    }
    TAKE[name](data);
    changed(name);
  }

  function open() {
    source?.close();
    source = new EventSource("api/events");
    for (const name of Object.keys(TAKE)) {
      source.addEventListener(name, (event) => {
        take(name, JSON.parse(event.data));
        heard();
      });
    }
    source.onerror = () => {
      connected(false);
      // The browser tries again by itself unless it was answered with something else than events.
      if (source.readyState === EventSource.CLOSED) expect(AGAIN);
    };
    expect(store.connected ? 20000 : FIRST);
  }

  /** No event for too long: ask plainly (a password may be wanted), and open the line anew. */
  async function silent() {
    source?.close();
    try {
      const reply = await fetch("api/state", { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (reply.status === 401 || (reply.redirected && /\/login$/.test(new URL(reply.url).pathname))) {
        location.assign("login");
        return;
      }
      if (!reply.ok) throw new Error(reply.statusText);
      take("state", await reply.json());
      connected(true);
      open();
    } catch {
      connected(false);
      expect(AGAIN);
    }
  }

  open();
}

/** JSON of the service, or null when it cannot be had. */
export async function get(path) {
  try {
    const reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000) });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}
