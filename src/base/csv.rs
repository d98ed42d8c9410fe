//! Lines of CSV for people's spreadsheets (RFC 4180).

/// What a file begins with, so that spreadsheets read its Korean as UTF-8.
pub const BOM: &str = "\u{feff}";

/// Adds one line. What a spreadsheet would take for a formula is marked as text (OWASP: CSV injection); a plain number,
/// also one below zero, is none.
pub fn line<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
        let text = format!("{}{cell}", if formula { "'" } else { "" });
        if text.contains(['"', ',', '\n', '\r', '\'']) || text.trim() != text {
            out.push_str(&format!("\"{}\"", text.replace('"', "\"\"")));
        } else {
            out.push_str(&text);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        let mut out = String::new();
        line(&mut out, ["=1+1", "-5", "a,b", "say \"no\"", " x", "가"].into_iter());
        assert_eq!(out, "\"'=1+1\",-5,\"a,b\",\"say \"\"no\"\"\",\" x\",가\r\n");
    }
}
