// Starts the poll on the loopback address.

import { Poll } from "./poll.js";
import { createPollServer } from "./server.js";

const port = Number(process.env.PORT ?? 3000);
const poll = new Poll(["Soup", "Noodles", "The place on the corner"]);
poll.setMaxListeners(0);

createPollServer(poll).listen(port, "127.0.0.1", () => {
  console.log(`lunch poll: http://127.0.0.1:${port}/`);
});
