// The page's JSON API. Every failure becomes {ok: false, error} for POST, and an ApiError for GET.

/** `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

export async function get(path, params = {}) {
  const url = new URL(path, location.origin);
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && value !== undefined) url.searchParams.set(key, value);
  }
  let response;
  try {
    response = await fetch(url, { cache: "no-store" });
  } catch {
    throw new ApiError("The sandbox cannot be reached.");
  }
  const body = await readJson(response);
  if (!response.ok || body === null) {
    throw new ApiError(
      (body && (body.error || body.detail)) || `The sandbox answered ${response.status}.`,
      response.status,
    );
  }
  return body;
}

export async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return { ok: false, error: "The sandbox cannot be reached. What you typed is kept; try again." };
  }
  const answer = await readJson(response);
  if (answer === null || typeof answer !== "object")
    return { ok: response.ok, error: response.ok ? null : `The sandbox answered ${response.status}.` };
  if (!response.ok)
    return {
      ...answer,
      ok: false,
      error: answer.error || answer.detail || `The sandbox answered ${response.status}.`,
    };
  return { ...answer, ok: answer.ok !== false };
}

/** Calls onChange(rev | null) at each change; polls every 3 s while the stream is down. Returns stop(). */
export function listen(as, onChange, onStatus) {
  let timer = null;
  const poll = () => {
    if (timer === null) timer = setInterval(() => onChange(null), 3000);
  };
  const settle = () => {
    clearInterval(timer);
    timer = null;
  };
  if (!("EventSource" in window)) {
    poll();
    return settle;
  }
  const source = new EventSource(`/page/stream?as=${encodeURIComponent(as)}`);
  source.onopen = () => {
    settle();
    onStatus(true);
    onChange(null);
  };
  source.onmessage = (event) => {
    try {
      onChange(JSON.parse(event.data).rev);
    } catch {
      onChange(null);
    }
  };
  source.onerror = () => {
    onStatus(false);
    poll();
  };
  return () => {
    source.close();
    settle();
  };
}
