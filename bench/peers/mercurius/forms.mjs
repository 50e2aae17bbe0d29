// Ids and cursors, as they are written outside.

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const PAIRS = Array.from({ length: 1024 }, (_, n) => DIGITS[n >> 5] + DIGITS[n & 31])

/** A UUID as Roster writes it: 26 digits of base32, the first of which has two bits that are always 0. */
export function idOf(prefix, uuid) {
  const hex = uuid.replaceAll('-', '')
  let text = prefix + '_' + PAIRS[parseInt(hex.slice(0, 2), 16)]
  for (let at = 2; at < 32; at += 5) {
    const bits = parseInt(hex.slice(at, at + 5), 16)
    text += PAIRS[bits >> 10] + PAIRS[bits & 1023]
  }
  return text
}

/** The place of a row in the order by name. */
export const cursorOf = (sortName, uuid) => Buffer.from(JSON.stringify([sortName, uuid])).toString('base64url')

export const placeOf = (cursor) => JSON.parse(Buffer.from(cursor, 'base64url').toString())
