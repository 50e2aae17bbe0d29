import { readFile, writeFile } from "node:fs/promises";
import { BreakingChangeType, findBreakingChanges, resolveSchemaCoordinate } from "graphql";

/** How graphql-js words each breaking change, and the schema coordinate of what it is about. */
const COORDINATES = {
  [BreakingChangeType.TYPE_REMOVED]: [/(\w+) was removed/, "$1"],
  [BreakingChangeType.TYPE_CHANGED_KIND]: [/(\w+) changed from/, "$1"],
  [BreakingChangeType.TYPE_REMOVED_FROM_UNION]: [/from union type (\w+)/, "$1"],
  [BreakingChangeType.VALUE_REMOVED_FROM_ENUM]: [/(\w+) was removed from enum type (\w+)/, "$2.$1"],
  [BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED]: [/required field (\w+) on input type (\w+)/, "$2.$1"],
  [BreakingChangeType.IMPLEMENTED_INTERFACE_REMOVED]: [/(\w+) no longer implements/, "$1"],
  [BreakingChangeType.FIELD_REMOVED]: [/(\w+\.\w+) was removed/, "$1"],
  [BreakingChangeType.FIELD_CHANGED_KIND]: [/(\w+\.\w+) changed type/, "$1"],
  [BreakingChangeType.REQUIRED_ARG_ADDED]: [/required arg (\w+) on (\w+\.\w+)/, "$2($1:)"],
  [BreakingChangeType.ARG_REMOVED]: [/(\w+\.\w+) arg (\w+) was removed/, "$1($2:)"],
  [BreakingChangeType.ARG_CHANGED_KIND]: [/(\w+\.\w+) arg (\w+) has changed type/, "$1($2:)"],
  [BreakingChangeType.DIRECTIVE_REMOVED]: [/(\w+) was removed/, "@$1"],
  [BreakingChangeType.DIRECTIVE_ARG_REMOVED]: [/(\w+) was removed from (\w+)/, "@$2($1:)"],
  [BreakingChangeType.REQUIRED_DIRECTIVE_ARG_ADDED]: [/required arg (\w+) on directive (\w+)/, "@$2($1:)"],
  [BreakingChangeType.DIRECTIVE_REPEATABLE_REMOVED]: [/removed from (\w+)/, "@$1"],
  [BreakingChangeType.DIRECTIVE_LOCATION_REMOVED]: [/was removed from (\w+)/, "@$1"],
};

const REMOVALS = [
  BreakingChangeType.FIELD_REMOVED,
  BreakingChangeType.ARG_REMOVED,
  BreakingChangeType.VALUE_REMOVED_FROM_ENUM,
];

/** The schema now, that of the last release, and the list of what the coming one breaks. */
export const FILES = {
  schema: new URL("../../schema.graphql", import.meta.url),
  released: new URL("released.graphql", import.meta.url),
  list: new URL("../../docs/breaking-changes.md", import.meta.url),
};

const COMING = "## The coming release\n";

/** The breaking changes between two schemas, each with its schema coordinate. */
export function breakingChanges(released, current) {
  return findBreakingChanges(released, current).map(({ type, description }) => {
    const [wording, coordinate] = COORDINATES[type];
    return { type, description, coordinate: description.match(wording)[0].replace(wording, coordinate) };
  });
}

/** What breaks unannounced on the day `today`, and which announcements announce nothing. */
export function judge(released, current, announced, today) {
  const changes = breakingChanges(released, current);
  const isDue = ({ type, coordinate }) => REMOVALS.includes(type) && removalDay(released, coordinate) <= today;
  return {
    unannounced: changes
      .filter((change) => !announced.includes(change.coordinate) && !isDue(change))
      .map(({ coordinate, description }) => `${coordinate}: ${description}`),
    idle: announced.filter((coordinate) => !changes.some((change) => change.coordinate === coordinate)),
  };
}

/** The day that the deprecation of a field, an argument or a value names; undefined if it names none. */
function removalDay(schema, coordinate) {
  const { field, fieldArgument, inputField, enumValue } = resolveSchemaCoordinate(schema, coordinate);
  const { deprecationReason } = fieldArgument ?? field ?? inputField ?? enumValue;
  return deprecationReason?.match(/Removal on (\d{4}-\d{2}-\d{2})\.$/)?.[1];
}

/** The coordinates that the list for the coming release holds. */
export function announcements(text) {
  const [, list] = text.split(COMING);
  return list
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, coordinate] = line.match(/^\* `([^`]+)`: \S/) ?? [];
      if (!coordinate) throw new Error(`no "* \`coordinate\`: what to do": ${line}`);
      return coordinate;
    });
}

/** Makes the schema the released one, and empties the list. */
export async function release({ schema, released, list }) {
  await writeFile(released, await readFile(schema));
  const [introduction] = (await readFile(list, "utf8")).split(COMING);
  await writeFile(list, introduction + COMING);
}
