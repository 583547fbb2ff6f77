// Opens the room as soon as the page is there. Reloading keeps the part of the link that only the browser knows.

const PAUSE_MS = 1000;

async function ask() {
  const answer = await fetch("/", { cache: "no-store" }).catch(() => undefined);
  if (answer?.ok) location.reload();
  else setTimeout(ask, PAUSE_MS);
}

ask();
