// The rules of the poll, without HTTP.

import { EventEmitter } from "node:events";

export const MAX_VOTERS = 1000;

export class PollError extends Error {}

/** Emits "change" with the new counts. */
export class Poll extends EventEmitter {
  #options;
  #votes = new Map();

  /** @param {string[]} options what one can vote for, in the order of the page */
  constructor(options) {
    super();
    this.#options = [...options];
  }

  /** A person's vote; a second one replaces the first. */
  vote(voter, option) {
    const name = String(voter ?? "").trim();
    if (name === "" || name.length > 40) throw new PollError("Please give a name of at most 40 characters.");
    if (!this.#options.includes(option)) throw new PollError(`There is no “${option}” to vote for.`);
    if (!this.#votes.has(name) && this.#votes.size >= MAX_VOTERS) throw new PollError("The poll is full.");
    if (this.#votes.get(name) === option) return;
    this.#votes.set(name, option);
    this.emit("change", this.counts());
  }

  /** @returns {{ option: string, votes: number, voters: string[] }[]} */
  counts() {
    return this.#options.map((option) => {
      const voters = [...this.#votes].filter(([, choice]) => choice === option).map(([voter]) => voter);
      return { option, votes: voters.length, voters };
    });
  }
}
