//! One look at the bytes of a document, before anything parses it.
//!
//! Parsers descend into what is nested: a few kilobytes of brackets overflow the stack, which ends the process and
//! cannot be caught. Within these limits none comes near.

/// Deepest nesting of brackets of all kinds.
pub const MAX_NESTING: usize = 48;
/// Largest document, in bytes. Values that need more belong into variables.
pub const MAX_BYTES: usize = 64 * 1024;
/// Longest name or number, in bytes: answers repeat names for each item of a list.
pub const MAX_WORD: usize = 256;
/// Most tokens of a document. The introspection query of GraphiQL has about 150.
pub const MAX_TOKENS: usize = 4_000;

/// Why a document is not worth parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparsable {
    /// Brackets are nested more than [`MAX_NESTING`] deep.
    TooDeep,
    /// There are more than [`MAX_BYTES`] bytes.
    TooLarge,
    /// There are more than [`MAX_TOKENS`] tokens.
    TooLong,
    /// A name or number has more than [`MAX_WORD`] bytes.
    LongWord,
    /// A string never ends. A parser that tries another reading would find brackets that were not counted.
    OpenString,
}

/// Whether a document may be parsed.
pub fn scan(source: &str) -> Result<(), Unparsable> {
    if source.len() > MAX_BYTES {
        return Err(Unparsable::TooLarge);
    }
    let mut rest = source.as_bytes();
    let (mut nesting, mut tokens) = (0_usize, 0_usize);
    while let Some((&byte, after)) = rest.split_first() {
        let is_token = !matches!(byte, b' ' | b',' | b'\t' | b'\r' | b'\n' | b'#');
        rest = match byte {
            b'#' => skip(after, |byte| !matches!(byte, b'\n' | b'\r')),
            b'"' => match after.strip_prefix(b"\"\"") {
                Some(block) => end_of_block(block)?,
                None => end_of_string(after)?,
            },
            b'{' | b'[' | b'(' => {
                nesting += 1;
                after
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                after
            }
            b'.' => skip(after, |byte| byte == b'.'),
            _ if is_word(byte) => {
                let next = skip(after, is_word);
                if after.len() - next.len() >= MAX_WORD {
                    return Err(Unparsable::LongWord);
                }
                next
            }
            _ => after,
        };
        tokens += usize::from(is_token);
        if nesting > MAX_NESTING {
            return Err(Unparsable::TooDeep);
        }
        if tokens > MAX_TOKENS {
            return Err(Unparsable::TooLong);
        }
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn skip(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| !wanted(*byte));
    end.map_or(&[], |end| bytes.split_at(end).1)
}

/// What follows a string that has begun.
fn end_of_string(mut bytes: &[u8]) -> Result<&[u8], Unparsable> {
    loop {
        bytes = match bytes {
            [b'"', after @ ..] => return Ok(after),
            [] | [b'\n' | b'\r', ..] => return Err(Unparsable::OpenString),
            [b'\\', b'"' | b'\\', after @ ..] | [_, after @ ..] => after,
        };
    }
}

/// What follows a block string that has begun.
fn end_of_block(mut bytes: &[u8]) -> Result<&[u8], Unparsable> {
    loop {
        bytes = match bytes {
            [b'"', b'"', b'"', after @ ..] => return Ok(after),
            [] => return Err(Unparsable::OpenString),
            [b'\\', b'"', b'"', b'"', after @ ..] | [_, after @ ..] => after,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nesting_counts_wherever_it_is_real() {
        let nested = |depth: usize| format!("{{ a(b: {}{}) }}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(scan(&nested(MAX_NESTING - 2)), Ok(()));
        assert_eq!(scan(&nested(MAX_NESTING - 1)), Err(Unparsable::TooDeep));
        let brackets = "[".repeat(100);
        for harmless in [
            format!("{{ a(b: \"{brackets}\") }}"),
            format!("{{ a(b: \"\\\"{brackets}\") }}"),
            format!("{{ a(b: \"\\\\\") c(d: \"{brackets}\") }}"),
            format!("{{ a(b: \"\"\"\n{brackets} \" \\\"\"\" {brackets}\"\"\") }}"),
            format!("{{ a # {brackets}\n }}"),
            format!("{{ a # \" {brackets}\r }}"),
        ] {
            assert_eq!(scan(&harmless), Ok(()), "{harmless}");
        }
        for hidden in [
            format!("{{ a(b: \"\") c(d: {brackets}) }}"),
            format!("{{ a(b: \"\"\"\\\"\"\"\"\"\") c(d: {brackets}) }}"),
            format!("{{ a # \"\n (b: {brackets}) }}"),
            format!("{{ a(b: \"\\\\\") c(d: {brackets}) }}"),
        ] {
            assert_eq!(scan(&hidden), Err(Unparsable::TooDeep), "{hidden}");
        }
        for open in ["{ a(b: \"", "{ a(b: \"\n\") }", "{ a(b: \"\"\" [[[[ \"x\" [[[", "\"\\"] {
            assert_eq!(scan(open), Err(Unparsable::OpenString), "{open}");
        }
    }

    #[test]
    fn tokens_are_counted() {
        let fields = |count: usize| format!("{{{}}}", " a".repeat(count));
        assert_eq!(scan(&fields(MAX_TOKENS - 2)), Ok(()));
        assert_eq!(scan(&fields(MAX_TOKENS - 1)), Err(Unparsable::TooLong));
        assert_eq!(scan(&"...a".repeat(MAX_TOKENS)), Err(Unparsable::TooLong));
        assert_eq!(scan(&format!("{{ a(b: \"{}\") }}", "x ".repeat(30_000))), Ok(()));
    }

    #[test]
    fn sizes_are_held_to() {
        let name = |length: usize| format!("{{ {} }}", "a".repeat(length));
        assert_eq!(scan(&name(MAX_WORD)), Ok(()));
        assert_eq!(scan(&name(MAX_WORD + 1)), Err(Unparsable::LongWord));
        let spaces = |length: usize| " ".repeat(length);
        assert_eq!(scan(&spaces(MAX_BYTES)), Ok(()));
        assert_eq!(scan(&spaces(MAX_BYTES + 1)), Err(Unparsable::TooLarge));
    }

    proptest! {
        /// What passes can be parsed within the stack of a thread, whatever it is: an overflow would end the test.
        #[test]
        fn what_passes_can_be_parsed(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", "(", ")", "\"", "\"\"\"", "\\", "#", "\n", "\r", "a", "a:", "$b", "...", "on T", "@c", ":", "1", " ", "é",
                    "[[[[[[[[[[[[[[[[[[[[[[[[", "{a(b:", "{...{...{...{...", "query($a:[[[[[[[[[[[[[[",
                ]),
                0..400,
            )
        ) {
            let source = parts.concat();
            if scan(&source).is_ok() {
                async_graphql::parser::parse_query(&source).ok();
            }
        }

        /// Brackets outside of strings and comments never pass, whatever surrounds them.
        #[test]
        fn deep_nesting_never_passes(
            before in prop::sample::select(vec!["", "\"\"", "\"\"\"\"\"\"", "\"\\\"\"", "\"\"\"\\\"\"\"\"\"\"", "#\n", "#\"\n", "\"#\"", "\"\\\\\""]),
            kind in prop::sample::select(vec!["[", "{", "("]),
            depth in MAX_NESTING + 1..5_000,
        ) {
            let source = format!("{before}{}", kind.repeat(depth));
            prop_assert!(scan(&source).is_err());
        }
    }
}
