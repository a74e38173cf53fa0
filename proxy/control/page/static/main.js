// What a browser adds to the page: the page itself comes whole from the server and tells everything without this.

import { listen } from "./actions.js";
import { draw } from "./charts.js";
import { dress, follow } from "./live.js";
import { begin } from "./pulse.js";
import { count } from "./times.js";

dress(document);
listen();
count();
if (document.querySelector("[data-live]") !== null) {
  follow();
  draw();
  begin();
}
