const list = document.querySelector("#options");
const voter = document.querySelector("#voter");
const note = document.querySelector("#note");

voter.value = localStorage.getItem("voter") ?? "";

async function vote(option) {
  localStorage.setItem("voter", voter.value);
  const response = await fetch("/vote", { method: "POST", body: JSON.stringify({ voter: voter.value, option }) });
  note.textContent = response.ok ? `You voted for ${option}.` : (await response.json()).error;
}

function show(counts) {
  const all = Math.max(1, ...counts.map(({ votes }) => votes));
  list.replaceChildren(
    ...counts.map(({ option, votes, voters }) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.textContent = option;
      button.addEventListener("click", () => vote(option));
      const bar = document.createElement("meter");
      Object.assign(bar, { max: all, value: votes, title: voters.join(", ") });
      item.append(button, bar, ` ${votes}`);
      return item;
    }),
  );
}

const events = new EventSource("/events");
events.onmessage = ({ data }) => show(JSON.parse(data));
events.onerror = () => (note.textContent = "The connection is gone; trying again.");
events.onopen = () => (note.textContent = "");
