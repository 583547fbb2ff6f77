import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_VOTERS, Poll, PollError } from "../src/poll.js";

const votes = (poll) => poll.counts().map((count) => count.votes);

test("a vote counts once, and can be changed", () => {
  const poll = new Poll(["a", "b"]);
  poll.vote("Ada", "a");
  poll.vote(" Ada ", "a");
  poll.vote("Bob", "a");
  assert.deepEqual(votes(poll), [2, 0]);
  poll.vote("Ada", "b");
  assert.deepEqual(votes(poll), [1, 1]);
});

test("a vote that changes nothing is not announced", () => {
  const poll = new Poll(["a"]);
  let changes = 0;
  poll.on("change", () => changes++);
  poll.vote("Ada", "a");
  poll.vote("Ada", "a");
  assert.equal(changes, 1);
});

test("what is no vote is refused", () => {
  const poll = new Poll(["a"]);
  for (const [voter, option] of [["", "a"], ["  ", "a"], [undefined, "a"], ["x".repeat(41), "a"], ["Ada", "c"]]) {
    assert.throws(() => poll.vote(voter, option), PollError);
  }
  assert.deepEqual(votes(poll), [0]);
});

test("a full poll still lets people change their minds", () => {
  const poll = new Poll(["a", "b"]);
  for (let person = 0; person < MAX_VOTERS; person++) poll.vote(`person ${person}`, "a");
  assert.throws(() => poll.vote("one more", "a"), /full/);
  poll.vote("person 0", "b");
  assert.deepEqual(votes(poll), [MAX_VOTERS - 1, 1]);
});
