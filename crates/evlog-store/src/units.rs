//! Values of options as people write them: `64MiB`, `7d`, `4x1MiB`.
//!
//! One grammar for Rust's `Options::set`, the command line's `-o KEY=VALUE` and C. Each parser takes the key with the
//! text, so that its error can name both.
//!
//! | value | forms |
//! |---|---|
//! | number | `1000` |
//! | size | `65536`, `64KiB`, `64MiB`, `1GB`; decimal `B kB MB GB TB`, binary `KiB MiB GiB TiB`, any letter case |
//! | span | `7d`, `1h30m`, `250ms`; days have 24 hours, weeks 7 days; months and years have no fixed length |
//! | wrap | `FILESxBYTES`: `4x1MiB` |

use std::time::Duration;

/// Reads a whole number; zero counts.
///
/// # Errors
///
/// [`OptionError`] with [`Problem::NotANumber`] or [`Problem::TooLarge`].
pub fn number(key: &str, text: &str) -> Result<u64, OptionError> {
    // `u64::from_str` alone would accept a leading plus sign.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(OptionError::new(key, text, Problem::NotANumber));
    }
    // All digits, so only the size can be wrong.
    text.parse().map_err(|_| OptionError::new(key, text, Problem::TooLarge))
}

/// Reads a whole number above zero.
///
/// # Errors
///
/// As [`number`], and [`Problem::Zero`].
pub fn count(key: &str, text: &str) -> Result<u64, OptionError> {
    above_zero(key, text, number(key, text)?)
}

/// Reads a size above zero, in bytes.
///
/// ```
/// use evlog_store::units;
///
/// assert_eq!(units::size("segment_bytes", "64MiB")?, 64 << 20);
/// assert_eq!(units::size("segment_bytes", "1GB")?, 1_000_000_000);
/// assert!(units::size("segment_bytes", "64M").is_err());
/// # Ok::<(), units::OptionError>(())
/// ```
///
/// # Errors
///
/// [`OptionError`] with [`Problem::NotASize`], [`Problem::TooLarge`] or [`Problem::Zero`].
pub fn size(key: &str, text: &str) -> Result<u64, OptionError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at(digits);
    let wrong = |problem| OptionError::new(key, text, problem);
    if amount.is_empty() {
        return Err(wrong(Problem::NotASize));
    }
    let amount: u64 = amount.parse().map_err(|_| wrong(Problem::TooLarge))?;
    let unit = bytes_in(unit.trim_start()).ok_or_else(|| wrong(Problem::NotASize))?;
    let bytes = amount.checked_mul(unit).ok_or_else(|| wrong(Problem::TooLarge))?;
    above_zero(key, text, bytes)
}

/// Reads a span of time; zero counts, negative spans are refused.
///
/// # Errors
///
/// [`OptionError`] with [`Problem::NotASpan`].
pub fn span(key: &str, text: &str) -> Result<Duration, OptionError> {
    let wrong = || OptionError::new(key, text, Problem::NotASpan);
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    // Refuses months and years, which have no fixed length.
    let exact = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(exact).map_err(|_| wrong())
}

/// Reads a span of time above zero.
///
/// ```
/// use evlog_store::units;
/// use std::time::Duration;
///
/// assert_eq!(units::age("retention_age", "1h30m")?, Duration::from_secs(5_400));
/// assert_eq!(units::age("retention_age", "7d")?, Duration::from_secs(7 * 86_400));
/// # Ok::<(), units::OptionError>(())
/// ```
///
/// # Errors
///
/// As [`span`], and [`Problem::Zero`].
pub fn age(key: &str, text: &str) -> Result<Duration, OptionError> {
    let age = span(key, text)?;
    if age.is_zero() { Err(OptionError::new(key, text, Problem::Zero)) } else { Ok(age) }
}

/// Reads `FILESxBYTES`, a count of files and the size of each, both above zero.
///
/// ```
/// use evlog_store::units;
///
/// assert_eq!(units::wrap("wrap", "4x1MiB")?, (4, 1 << 20));
/// # Ok::<(), units::OptionError>(())
/// ```
///
/// # Errors
///
/// [`OptionError`] with [`Problem::NotAWrap`], [`Problem::TooLarge`] (also where the product is) or [`Problem::Zero`].
pub fn wrap(key: &str, text: &str) -> Result<(u64, u64), OptionError> {
    let wrong = |problem| OptionError::new(key, text, problem);
    // The parts fail with the whole text: a person looks for what was typed.
    let within = |error: OptionError| match error.problem {
        Problem::NotANumber | Problem::NotASize => wrong(Problem::NotAWrap),
        problem => wrong(problem),
    };
    let (files, bytes) = text.split_once(['x', 'X']).ok_or_else(|| wrong(Problem::NotAWrap))?;
    let (files, bytes) = (count(key, files).map_err(within)?, size(key, bytes).map_err(within)?);
    files.checked_mul(bytes).ok_or_else(|| wrong(Problem::TooLarge))?;
    Ok((files, bytes))
}

/// The value of an option that was refused: which option, what was given, and why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("option {key}: {problem}, but {text:?} was given")]
pub struct OptionError {
    /// The option's name, as in `-o KEY=VALUE`.
    pub key: String,
    /// The value that was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl OptionError {
    /// An error about the option `key`, for which `text` was given.
    pub fn new(key: &str, text: &str, problem: Problem) -> OptionError {
        OptionError { key: key.to_owned(), text: text.to_owned(), problem }
    }
}

/// Why the value of an option was refused. The texts say what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No option has this name.
    #[error("there is no such option")]
    UnknownKey,
    /// Not a whole number.
    #[error("say a whole number such as 1000")]
    NotANumber,
    /// Not a size.
    #[error("say a size such as 65536, 64MiB or 1GB")]
    NotASize,
    /// Not a span of time, or one without a fixed length.
    #[error("say a span such as 7d, 1h30m or 250ms")]
    NotASpan,
    /// Not `FILESxBYTES`.
    #[error("say FILESxBYTES such as 4x1MiB")]
    NotAWrap,
    /// Not one of the words that this option knows.
    #[error("say {0}")]
    NotAWord(&'static str),
    /// Zero, where it would mean that nothing is kept.
    #[error("it must be above zero")]
    Zero,
    /// More than 64 bits hold.
    #[error("it must be below 2^64")]
    TooLarge,
}

fn above_zero(key: &str, text: &str, value: u64) -> Result<u64, OptionError> {
    if value == 0 { Err(OptionError::new(key, text, Problem::Zero)) } else { Ok(value) }
}

/// Bytes in one of `unit`. A bare `M` is refused: half the world reads it as 10^6, the other half as 2^20.
fn bytes_in(unit: &str) -> Option<u64> {
    match unit.to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "kb" => Some(1_000),
        "mb" => Some(1_000_000),
        "gb" => Some(1_000_000_000),
        "tb" => Some(1_000_000_000_000),
        "kib" => Some(1 << 10),
        "mib" => Some(1 << 20),
        "gib" => Some(1 << 30),
        "tib" => Some(1 << 40),
        _ => None,
    }
}
