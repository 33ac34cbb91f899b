/** The commands that next actions name, so that they can be copied. Pure. */

/** Programs that the causes of nocarrier tell people to run. */
const PROGRAMS = new Set([
  "nocarrier",
  "curl",
  "getent",
  "ip",
  "ss",
  "sysctl",
  "traceroute",
  "nft",
  "ping",
  "timedatectl",
]);

/** Words that go on with a command; other plain words go on with the sentence around it. */
const SUBCOMMANDS = new Set(
  "add ahosts blackhole brief connect debug default del diff doctor explain failures get head history issue link list neigh peers prohibit route ruleset run show ticket type unreachable via".split(
    " ",
  ),
);

/** Words that take the next one with them, whatever it is. */
const TAKE_NEXT = new Set(["explain", "--reason", "--source", "--kind", "--phase"]);

/** What a shell would take for more than an argument: not to be offered, as an address in it may be a peer's. */
const DANGEROUS = /[`$&<>\\!*?()#;\p{C}]/u;

/** A word in capitals, such as HOST or ADDR:PORT, stands for something that only the reader knows. */
const PLACEHOLDER = /^[A-Z]{3,}(?:[-:][A-Z]+)*$/;

function isArgument(word: string, before: string): boolean {
  return (
    TAKE_NEXT.has(before) ||
    SUBCOMMANDS.has(word) ||
    word === "|" ||
    /[-/:=.\d'[]|[A-Z]{2}/.test(word) ||
    PROGRAMS.has(word)
  );
}

/** The words of one command that begins at `words[0]`, and those of the sentence behind it. */
function takeCommand(words: string[]): { command: string[]; rest: string[] } {
  const command = [words[0]?.replace(/^\(/, "") ?? ""];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? "";
    const bare = word.replace(/[;,.)]+$/, "");
    if (!isArgument(bare, command[at - 1] ?? "")) return { command, rest: words.slice(at) };
    command.push(bare);
    if (bare !== word) return { command, rest: words.slice(at + 1) };
  }
  return { command, rest: [] };
}

/** Each command in `text`, from its program to the end of its clause. */
export function commandsIn(text: string): string[] {
  const commands: string[] = [];
  let words = text.split(" ");
  while (words.length > 0) {
    if (!PROGRAMS.has(words[0]?.replace(/^\(/, "") ?? "")) {
      words = words.slice(1);
      continue;
    }
    const { command, rest } = takeCommand(words);
    words = rest;
    const whole = command.join(" ");
    const isQuoted = whole.split("'").length % 2 === 1;
    const isWhole = !command.some((word) => PLACEHOLDER.test(word));
    if (command.length > 1 && isQuoted && isWhole && !DANGEROUS.test(whole)) commands.push(whole);
  }
  return commands;
}
