//! What commands print, and to whom.
//!
//! Who reads it may have enough before its end, as `head` does. Then the command ends and says nothing of it, with the
//! status that a shell shows for a program that a closed pipe ended: not all was said, so none of the other statuses
//! would be true.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::process::ExitCode;

/// 128 and the number of SIGPIPE.
const CLOSED_PIPE: u8 = 141;

#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
struct ReaderGone;

/// Standard output, for more than a few lines.
pub struct Output<W>(W);

pub fn output() -> Output<io::StdoutLock<'static>> {
    Output(io::stdout().lock())
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(told_apart)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(told_apart)
    }
}

/// From the pipes of others, such as a database's.
fn told_apart(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(error.kind(), ReaderGone),
        _ => error,
    }
}

pub fn to_stdout(what: Arguments) -> io::Result<()> {
    output().write_fmt(what)
}

/// What a person should know beside. Where nobody can read it there is nobody to tell so.
pub fn to_stderr(what: Arguments) {
    let _ = io::stderr().lock().write_fmt(what);
}

/// Says what a command ended with.
pub fn end(error: &anyhow::Error) -> ExitCode {
    if is_reader_gone(error) {
        return ExitCode::from(CLOSED_PIPE);
    }
    to_stderr(format_args!("sampan: {error:#}\n"));
    ExitCode::FAILURE
}

pub fn is_reader_gone(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.get_ref().is_some_and(|inner| inner.is::<ReaderGone>()))
}

/// A line on standard output.
macro_rules! say {
    ($($what:tt)*) => {
        $crate::cli::printing::to_stdout(format_args!("{}\n", format_args!($($what)*)))
    };
}

/// A line on standard error.
macro_rules! remark {
    ($($what:tt)*) => {
        $crate::cli::printing::to_stderr(format_args!("{}\n", format_args!($($what)*)))
    };
}

pub(super) use {remark, say};

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    fn written_to(kind: io::ErrorKind) -> anyhow::Error {
        let mut output = io::BufWriter::new(Output(Fails(kind)));
        let written = serde_json::to_writer(&mut output, &1).map_err(io::Error::from);
        let flushed = written.and_then(|()| output.flush());
        flushed.context("cannot write").expect_err("nobody takes it")
    }

    #[test]
    fn a_reader_who_has_enough_is_told_from_everything_else_that_fails() {
        assert!(is_reader_gone(&written_to(io::ErrorKind::BrokenPipe)));
        assert!(!is_reader_gone(&written_to(io::ErrorKind::StorageFull)));
        let of_a_database = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_reader_gone(&of_a_database.into()));
    }
}
