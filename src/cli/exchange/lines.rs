//! A file, line by line, however long a line is.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes of a line at the most. The longest row that the checks let through, all its characters escaped, is below half
/// of this.
pub(super) const LINE_MAX: usize = 1 << 20;

/// A reader of lines that holds one line at a time.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// The number of the present line, from 1.
    pub(super) number: u64,
    /// Bytes that were read.
    pub(super) bytes: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines { reader: BufReader::with_capacity(256 << 10, reader), line: Vec::new(), number: 0, bytes: 0 }
    }

    /// The next line that is not blank, without its end; `None` inside if it is too long. `None` outside at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Option<&[u8]>>> {
        loop {
            self.line.clear();
            let read = (&mut self.reader).take(LINE_MAX as u64 + 1).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read as u64;
            if self.line.last() == Some(&b'\n') {
                self.line.pop();
            } else if self.line.len() > LINE_MAX {
                self.skip()?;
                return Ok(Some(None));
            }
            // Some editors begin a UTF-8 file with this mark.
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(Some(&self.line)))
    }

    /// Passes over the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let held = self.reader.fill_buf()?;
            let (len, end) = match held.iter().position(|b| *b == b'\n') {
                Some(at) => (at + 1, true),
                None => (held.len(), held.is_empty()),
            };
            self.reader.consume(len);
            self.bytes += len as u64;
            if end {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_counted() {
        let long = "x".repeat(LINE_MAX + 600_000);
        let fits = "y".repeat(LINE_MAX);
        let text = format!("\u{feff}one\r\n\n  \n{long}\n{fits}\nlast");
        let mut lines = Lines::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = line.map(|l| (l.len(), l[0]));
            found.push((lines.number, line));
        }
        let fits = (5, Some((LINE_MAX, b'y')));
        assert_eq!(found, [(1, Some((4, b'o'))), (4, None), fits, (6, Some((4, b'l')))]);
        assert_eq!(lines.bytes, text.len() as u64);
    }
}
