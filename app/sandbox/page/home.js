// The app's Home tab.
import { get, post } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { fill, h, rememberFocus, restoreFocus } from "./dom.js";
import { busy, inlineWarning, toast } from "./overlay.js";
import { store } from "./store.js";

const typed = new Map();

function hostFor(view, box) {
  const key = (blockId, el) => `${store.as} ${blockId} ${el.action_id}`;
  return {
    value: (blockId, el) => typed.get(key(blockId, el)) || null,
    change: (blockId, el, wire) => typed.set(key(blockId, el), wire),
    error: () => null,
    act: (action, control, blockId) =>
      busy(control, async () => {
        const answer = await post("/page/action", {
          as: store.as,
          view_id: view.id,
          block_id: blockId,
          action,
        });
        if (!answer.ok) {
          const text = answer.error || "That did not work. Try again.";
          toast(text);
          inlineWarning(control.isConnected ? control : box, text);
        }
        await store.refresh();
      }),
  };
}

export async function drawHome(box, fresh, stillHere) {
  if (fresh) {
    post("/page/home/open", { as: store.as }).then((opened) => {
      if (!opened.ok && opened.error) toast(opened.error);
      return store.refresh();
    });
  }
  const { view } = await get("/page/home", { as: store.as });
  if (!stillHere() || !box.isConnected) return;
  const print = JSON.stringify(view);
  if (box.dataset.print === print) return;
  box.dataset.print = print;
  const memo = rememberFocus(box);
  const top = box.scrollTop;
  fill(
    box,
    view && view.blocks && view.blocks.length
      ? h("div", { class: "home-inner" }, renderBlocks(view.blocks, hostFor(view, box)))
      : h("p", { class: "muted pad" }, "The app has not published a Home for you yet."),
  );
  box.scrollTop = top;
  restoreFocus(box, memo, box);
}
