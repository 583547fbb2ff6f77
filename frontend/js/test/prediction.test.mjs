//! Guessed letters: shown when the line is slow and echoes, never where it does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prediction } from "../terminal/prediction.js";

/** A program behind a slow line: it echoes, or not, and the screen knows what it has seen of it. */
class Line {
  prediction = new Prediction();
  now = 0;
  row = 0;
  column = 2;
  alternate = false;
  cells = new Map();

  get place() {
    return { row: this.row, column: this.column, columns: 80, alternate: this.alternate };
  }

  type(data) {
    this.prediction.typed(data, this.place, this.now);
  }

  /** The program's answer comes. */
  output(text) {
    for (const letter of text) {
      if (letter === "\n") {
        this.row += 1;
        this.column = 0;
      } else {
        this.cells.set(`${this.row} ${this.column}`, letter);
        this.column += 1;
      }
    }
    this.look();
  }

  look() {
    this.prediction.settle(this.place, (row, column) => this.cells.get(`${row} ${column}`) ?? " ", this.now);
  }

  after(millis) {
    this.now += millis;
    return this;
  }

  get shown() {
    return this.prediction.shown?.text;
  }
}

/** A line that is known to echo after so long. */
function echoing(millis) {
  const line = new Line();
  line.type("l");
  line.after(millis).output("l");
  return line;
}

test("a slow line that echoes shows what is typed at once", () => {
  const line = echoing(150);
  line.type("s");
  line.type(" ");
  line.type("-a");
  assert.equal(line.shown, "s -a");
  assert.deepEqual(line.prediction.shown, { row: 0, column: 3, text: "s -a" });
  line.after(150).output("s ");
  assert.equal(line.shown, "-a");
  line.output("-a");
  assert.equal(line.shown, undefined);
});

test("a fast line shows no guesses", () => {
  const line = echoing(20);
  line.type("s");
  assert.equal(line.shown, undefined);
});

test("nothing is shown before the first echo of a line", () => {
  const line = new Line();
  line.type("secret");
  assert.equal(line.shown, undefined);
});

test("a password is not shown", () => {
  const line = echoing(150);
  line.type("s\r");
  assert.equal(line.shown, undefined);
  line.after(150).output("s\n");
  line.output("Password: ");
  line.type("hunter2");
  assert.equal(line.shown, undefined);
  line.after(2000).look();
  assert.equal(line.prediction.waits, false);
});

test("a prompt that comes by itself is a new line", () => {
  const line = echoing(150);
  line.output("\nPassword: ");
  line.type("hunter2");
  assert.equal(line.shown, undefined);
});

test("a wrong guess takes all of them back", () => {
  const line = echoing(150);
  line.type("abc");
  assert.equal(line.shown, "abc");
  line.after(150).output("*");
  assert.equal(line.shown, undefined);
  assert.equal(line.prediction.waits, false);
});

test("a guess that nobody confirms is given up", () => {
  const line = echoing(150);
  line.type("abc");
  line.after(line.prediction.patience + 1).look();
  assert.equal(line.shown, undefined);
});

test("backspace takes back a guess, and nothing else", () => {
  const line = echoing(150);
  line.type("ab");
  line.type("\x7f");
  assert.equal(line.shown, "a");
  line.type("\x7f");
  assert.equal(line.shown, undefined);
  line.type("\x7f");
  line.type("c");
  assert.equal(line.shown, undefined, "where the cursor is now only the program knows");
});

test("programs that fill the screen, arrows and wide letters are not guessed", () => {
  const full = echoing(150);
  full.alternate = true;
  full.type("i");
  assert.equal(full.shown, undefined);
  for (const data of ["\x1b[D", "中", "\t"]) {
    const line = echoing(150);
    line.type(data);
    line.type("x");
    assert.equal(line.shown, undefined, JSON.stringify(data));
  }
});

test("the end of a line is left to the program", () => {
  const line = echoing(150);
  line.column = 77;
  line.type("abc");
  assert.equal(line.shown, undefined);
});
