// What the page knows: the last /page/state, and where the person is looking.

export const store = {
  as: "",
  state: null,
  fetchedAt: 0,
  users: new Map(),
  groups: new Map(),
  channels: new Map(),
  place: { c: "", pane: "", thread: "", tab: "", case: "", m: "" },
  online: true,
  /** Reads everything on screen again; app.js sets it. */
  refresh: async () => {},
};

export function setState(state) {
  store.state = state;
  store.as = (typeof state.me === "object" && state.me ? state.me.id : state.me) || store.as;
  store.fetchedAt = performance.now();
  store.users = new Map(state.users.map((user) => [user.id, user]));
  store.groups = new Map((state.groups || []).map((group) => [group.id, group]));
  store.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
}

export const me = () => store.users.get(store.as);

export function personName(id) {
  const user = store.users.get(id);
  return user ? user.real_name || user.name : id;
}

export function groupHandle(id) {
  const group = store.groups.get(id);
  return group ? group.handle : id;
}

export function channelName(id) {
  const channel = store.channels.get(id);
  return channel ? channel.name : id;
}

export const isDm = (channel) => Boolean(channel) && channel.kind === "dm";

export function amInGroup(id) {
  const group = store.groups.get(id);
  const mine = me();
  if (!group || !mine) return false;
  return (group.users || []).includes(mine.id) || (mine.groups || []).includes(group.handle);
}

/** The workspace's clock now, in unix seconds; it runs at the demo's speed. */
export function clockNow() {
  const clock = store.state && store.state.clock;
  if (!clock) return Date.now() / 1000;
  const speed = typeof clock.speed === "number" ? clock.speed : 1;
  return clock.now + ((performance.now() - store.fetchedAt) / 1000) * speed;
}

// "m" is the message a permalink points at; unlike the others it is not carried from place to place.
const place = ["c", "pane", "thread", "tab", "case", "m"];

export function readHash() {
  const params = new URLSearchParams(location.hash.slice(1));
  const out = { as: params.get("as") || "" };
  for (const key of place) out[key] = params.get(key) || "";
  return out;
}

export function hashFor(changes) {
  const params = new URLSearchParams();
  params.set("as", changes.as || store.as);
  for (const key of place) {
    const value = key in changes ? changes[key] : key !== "m" && store.place[key];
    if (value) params.set(key, value);
  }
  return `#${params}`;
}

export function go(changes, { replace = false } = {}) {
  const hash = hashFor(changes);
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, "", hash);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}
