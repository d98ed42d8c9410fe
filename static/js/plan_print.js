// The print page: its button opens the browser's own dialog, once all frames are there.
import "./frame.js";
import { $, $$ } from "./dom.js";

$("#print").addEventListener("click", async () => {
  await Promise.all($$("img.sheet-frame").map((image) => image.decode().catch(() => {})));
  print();
});
