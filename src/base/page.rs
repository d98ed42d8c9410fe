//! Two ways to read a long list: numbered pages with a count, and keyset cursors for feeds.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::error::{Error, Result};
use crate::base::locale::Text;

/// Rows of a page when the caller does not say.
pub const PAGE_SIZE: i64 = 20;
/// Rows of a page at the most.
pub const PAGE_SIZE_MAX: i64 = 100;

/// `?page=&page_size=`
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1-based.
    #[param(minimum = 1, maximum = 1_000_000, default = 1)]
    pub page: Option<i64>,
    /// 1–100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub page_size: Option<i64>,
}

/// A checked [`PageQuery`].
#[derive(Clone, Copy, Debug)]
pub struct PageSlice {
    /// 1-based.
    pub page: i64,
    /// 1–100.
    pub size: i64,
}

impl PageQuery {
    /// Within the limits, or an error that names the field.
    pub fn check(&self) -> Result<PageSlice> {
        let page = self.page.unwrap_or(1);
        if !(1..=1_000_000).contains(&page) {
            return Err(Error::invalid("page", Text::new("invalid.range").with("min", 1).with("max", 1_000_000)));
        }
        Ok(PageSlice { page, size: size(self.page_size)? })
    }
}

fn size(asked: Option<i64>) -> Result<i64> {
    let size = asked.unwrap_or(PAGE_SIZE);
    if !(1..=PAGE_SIZE_MAX).contains(&size) {
        return Err(Error::invalid("page_size", Text::new("invalid.range").with("min", 1).with("max", PAGE_SIZE_MAX)));
    }
    Ok(size)
}

impl PageSlice {
    /// Rows before this page.
    pub fn offset(self) -> i64 {
        (self.page - 1) * self.size
    }
}

/// Where a page stands among its neighbours.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PageInfo {
    /// 1-based.
    pub current_page: i64,
    /// At least 1.
    pub total_pages: i64,
    /// Rows a page.
    #[schema(example = 20)]
    pub page_size: i64,
    /// Is there a page after this one?
    pub has_next: bool,
    /// Is there a page before this one?
    pub has_previous: bool,
    /// 1-based number of the first row; 0 on an empty page.
    pub start_index: i64,
    /// Number of the last row; 0 on an empty page.
    pub end_index: i64,
}

/// One page of a counted list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// Rows in all.
    #[schema(example = 1)]
    pub count: i64,
    /// Path and query of the next page.
    #[schema(example = json!(null))]
    pub next: Option<String>,
    /// Path and query of the previous page.
    #[schema(example = json!(null))]
    pub previous: Option<String>,
    /// The rows.
    pub results: Vec<T>,
    /// Where it stands.
    pub page_info: PageInfo,
    /// Names this page of this list: equal for equal path and query.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015")]
    pub cache_key: String,
}

impl<T> Page<T> {
    /// The page `slice` of `count` rows, listed at `uri` (path and query as asked).
    pub fn new(uri: &str, slice: PageSlice, count: i64, results: Vec<T>) -> Page<T> {
        let total_pages = ((count + slice.size - 1) / slice.size).max(1);
        let (has_next, has_previous) = (slice.page < total_pages, slice.page > 1);
        let rows = results.len() as i64;
        let start_index = if rows == 0 { 0 } else { slice.offset() + 1 };
        let info = PageInfo {
            current_page: slice.page,
            total_pages,
            page_size: slice.size,
            has_next,
            has_previous,
            start_index,
            end_index: if rows == 0 { 0 } else { slice.offset() + rows },
        };
        Page {
            count,
            next: has_next.then(|| with_query(uri, "page", &(slice.page + 1).to_string())),
            previous: has_previous.then(|| with_query(uri, "page", &(slice.page - 1).to_string())),
            results,
            page_info: info,
            cache_key: hex(&Sha256::digest(with_query(uri, "page", &slice.page.to_string()))[..16]),
        }
    }
}

impl<T> Page<T> {
    /// The same page of other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        let Page { count, next, previous, results, page_info, cache_key } = self;
        let results = results.into_iter().map(f).collect::<Result<_>>()?;
        Ok(Page { count, next, previous, results, page_info, cache_key })
    }
}

/// `uri` with its query parameter `name` set to `value`.
fn with_query(uri: &str, name: &str, value: &str) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut parts: Vec<String> =
        query.split('&').filter(|p| !p.is_empty() && p.split('=').next() != Some(name)).map(str::to_owned).collect();
    parts.push(format!("{name}={value}"));
    format!("{path}?{}", parts.join("&"))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// A place in a feed: the (created, id) of its border row, and the direction to read from there. Two rows of the same
/// millisecond differ by id, so none is lost or shown twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The border row's sort key, milliseconds.
    pub key: i64,
    /// The border row's id.
    pub id: i64,
    /// Towards the next page (`true`) or the previous one.
    pub forward: bool,
}

impl Cursor {
    /// Its opaque form.
    pub fn encode(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}{}.{}", if self.forward { 'n' } else { 'p' }, self.key, self.id))
    }

    /// Reads the opaque form; an error names `cursor`.
    pub fn decode(text: &str) -> Result<Cursor> {
        let parse = || {
            let bytes = URL_SAFE_NO_PAD.decode(text.get(..text.len().min(64))?).ok()?;
            let plain = String::from_utf8(bytes).ok()?;
            let forward = match plain.chars().next()? {
                'n' => true,
                'p' => false,
                _ => return None,
            };
            let (key, id) = plain.get(1..)?.split_once('.')?;
            Some(Cursor { key: key.parse().ok()?, id: id.parse().ok()?, forward })
        };
        parse().ok_or_else(|| Error::invalid("cursor", Text::new("invalid.cursor")))
    }
}

/// `?cursor=&page_size=`
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FeedQuery {
    /// Opaque, from an earlier answer.
    pub cursor: Option<String>,
    /// 1–100.
    pub page_size: Option<i64>,
}

/// A checked [`FeedQuery`].
#[derive(Clone, Copy, Debug)]
pub struct FeedSlice {
    /// Where to go on; `None` is the beginning.
    pub from: Option<Cursor>,
    /// 1–100.
    pub size: i64,
}

impl FeedQuery {
    /// Within the limits, or an error that names the field.
    pub fn check(&self) -> Result<FeedSlice> {
        let from = self.cursor.as_deref().filter(|c| !c.is_empty()).map(Cursor::decode).transpose()?;
        Ok(FeedSlice { from, size: size(self.page_size)? })
    }
}

impl FeedSlice {
    /// Does it read towards the previous page?
    pub fn backward(self) -> bool {
        self.from.is_some_and(|c| !c.forward)
    }

    /// Border key and id for the statement; `None` where the feed begins.
    pub fn border(self) -> (Option<i64>, Option<i64>) {
        (self.from.map(|c| c.key), self.from.map(|c| c.id))
    }
}

/// One stretch of a feed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Feed<T> {
    /// The rows, in the feed's order.
    pub results: Vec<T>,
    /// For the rows after these.
    #[schema(example = "bjE3OTU0ODIxMjM0NTYuNDI")]
    pub next_cursor: Option<String>,
    /// For the rows before these.
    #[schema(example = json!(null))]
    pub previous_cursor: Option<String>,
    /// Are there rows after these?
    #[schema(example = true)]
    pub has_next: bool,
}

impl<T> Feed<T> {
    /// The same stretch of other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> Result<U>) -> Result<Feed<U>> {
        let Feed { results, next_cursor, previous_cursor, has_next } = self;
        let results = results.into_iter().map(f).collect::<Result<_>>()?;
        Ok(Feed { results, next_cursor, previous_cursor, has_next })
    }

    /// Makes the answer from up to `slice.size + 1` rows, read in the direction of the slice from its border.
    /// `place` tells a row's (sort key, id).
    pub fn new(slice: FeedSlice, mut rows: Vec<T>, place: impl Fn(&T) -> (i64, i64)) -> Feed<T> {
        let more = rows.len() as i64 > slice.size;
        rows.truncate(slice.size as usize);
        if slice.backward() {
            rows.reverse();
        }
        let (has_next, has_previous) = if slice.backward() { (true, more) } else { (more, slice.from.is_some()) };
        let cursor = |row: Option<&T>, forward| {
            row.map(|r| {
                let (key, id) = place(r);
                Cursor { key, id, forward }.encode()
            })
        };
        Feed {
            next_cursor: has_next.then(|| cursor(rows.last(), true)).flatten(),
            previous_cursor: has_previous.then(|| cursor(rows.first(), false)).flatten(),
            has_next: has_next && !rows.is_empty(),
            results: rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_opaque_form() {
        let c = Cursor { key: 1_795_482_123_456, id: 42, forward: true };
        assert_eq!(Cursor::decode(&c.encode()).unwrap(), c);
        for bad in ["", "x", "bnVsbA", "한글", "////"] {
            assert!(Cursor::decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_knows_its_neighbours() {
        let p = Page::new("/p?status=open&page=2", PageSlice { page: 2, size: 2 }, 5, vec![3, 4]);
        assert_eq!(p.next.as_deref(), Some("/p?status=open&page=3"));
        assert_eq!(p.previous.as_deref(), Some("/p?status=open&page=1"));
        assert_eq!((p.page_info.start_index, p.page_info.end_index, p.page_info.total_pages), (3, 4, 3));
    }
}
