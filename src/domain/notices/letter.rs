//! How a mail reads: its words from the rows as they stand when it goes, as plain text and as HTML.

use askama::Template;
use jiff::tz::TimeZone;

use super::mails::{self, MailKind};
use super::preferences::{Mode, Reader};
use super::unsubscribe::{self, What};
use super::{Notice, sql_mail as sql, sql_people, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::*;
use crate::base::locale::{self, Lang};
use crate::base::secret;
use crate::domain::accounts::RESET_MS;
use crate::domain::projects::invitations;
use crate::engines::mail::Letter;
use crate::engines::store::Db;

/// Notices that one mail shows; of more it says how many there are.
const SHOWN: usize = 50;

/// A mail that was to be written.
pub(super) enum Written {
    /// It goes.
    Letter(Box<Letter>),
    /// It is on no way any more: sent, or taken back.
    Over,
    /// There is nothing left to say.
    Nothing,
    /// It cannot go; a key below `admin.notices.held.`.
    Held(&'static str),
}

/// What both forms of a letter show.
#[derive(Default)]
struct Page {
    lang: Lang,
    subject: String,
    heading: String,
    lines: Vec<String>,
    code: Option<String>,
    groups: Vec<Group>,
    button: Option<Link>,
    because: String,
    ends: Vec<Link>,
}

/// What belongs to one project.
struct Group {
    project: String,
    items: Vec<Item>,
}

struct Item {
    title: String,
    text: String,
    url: String,
}

struct Link {
    text: String,
    url: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    p: &'a Page,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Plain<'a> {
    p: &'a Page,
}

/// Writes a mail that waits.
pub(super) fn write(db: &Db, app: &App, id: MailId) -> Result<Written> {
    let Some(mail) = sql::waiting(db, id)? else { return Ok(Written::Over) };
    if !app.mailer().is_on() {
        return Ok(Written::Held("no_server"));
    }
    let Some(base) = mails::base(db, app)? else { return Ok(Written::Held("no_address")) };
    let reader = match mail.user {
        Some(user) => sql_people::readers(db, &[user])?.into_iter().next(),
        None => None,
    };
    // Locked since, or gone.
    if mail.user.is_some() && reader.is_none() {
        return Ok(Written::Nothing);
    }
    let lang = reader.as_ref().map_or(mail.lang, |r| r.lang);
    let mut unsubscribe = None;
    let page = match mail.kind {
        MailKind::Test => Some(test(lang, &base)),
        MailKind::Reset if mail.created.plus(RESET_MS) <= app.clock.now() => None,
        MailKind::Reset => Some(reset(lang, &base, &mails::reset_code(&app.signing_key, id), &mail.address)),
        MailKind::Invitation => invitation(db, app, lang, &base, mail.invitation)?,
        MailKind::Notice | MailKind::Digest => {
            let Some(reader) = &reader else { return Ok(Written::Nothing) };
            let (page, all) = notices(db, app, reader, &base, id, mail.kind)?;
            unsubscribe = all;
            page
        }
    };
    let Some(page) = page else { return Ok(Written::Nothing) };
    let instance = instance(&app.signing_key);
    Ok(Written::Letter(Box::new(Letter {
        to: mail.address,
        subject: page.subject.clone(),
        text: Plain { p: &page }.render().map_err(Error::internal)?,
        html: Html { p: &page }.render().map_err(Error::internal)?,
        id: format!("mail-{id}-{instance}"),
        date: mail.created,
        unsubscribe,
    })))
}

/// A letter of few words: of nouns that stand to the right of this one.
pub struct Note {
    /// Its language.
    pub lang: Lang,
    /// Subject and heading.
    pub subject: String,
    /// Paragraphs.
    pub lines: Vec<String>,
    /// Words and address of its one link.
    pub link: Option<(String, String)>,
    /// Why he gets it.
    pub because: String,
}

impl Note {
    /// As plain text, and as HTML.
    pub fn write(self) -> Result<(String, String)> {
        let page = Page {
            lang: self.lang,
            heading: self.subject.clone(),
            subject: self.subject,
            lines: self.lines,
            button: self.link.map(|(text, url)| Link { text, url }),
            because: self.because,
            ..Page::default()
        };
        let text = Plain { p: &page }.render().map_err(Error::internal)?;
        Ok((text, Html { p: &page }.render().map_err(Error::internal)?))
    }
}

/// What tells the mails of this instance from those of another: a part of each `Message-ID`.
pub fn instance(key: &[u8; 32]) -> String {
    crate::base::page::hex(&secret::derived(key, "instance", b"")[..6])
}

/// A text with values, each put in once.
fn say(lang: Lang, key: &str, values: &[(&str, &str)]) -> String {
    let values: Vec<(&str, String)> = values.iter().map(|(name, value)| (*name, value.to_string())).collect();
    words::fill(&locale::get(lang, key), &values)
}

fn test(lang: Lang, base: &str) -> Page {
    let subject = say(lang, "mail.test.subject", &[]);
    Page {
        lang,
        heading: subject.clone(),
        subject,
        lines: vec![say(lang, "mail.test.line", &[("base", base)])],
        button: Some(Link { text: say(lang, "mail.open", &[]), url: format!("{base}/") }),
        because: say(lang, "mail.because.test", &[]),
        ..Page::default()
    }
}

fn reset(lang: Lang, base: &str, code: &str, address: &str) -> Page {
    let subject = say(lang, "mail.reset.subject", &[]);
    let email: String = form_urlencoded::byte_serialize(address.as_bytes()).collect();
    Page {
        lang,
        heading: subject.clone(),
        subject,
        lines: vec![say(lang, "mail.reset.line", &[])],
        code: Some(code.to_owned()),
        button: Some(Link {
            text: say(lang, "mail.reset.button", &[]),
            url: format!("{base}/reset?email={email}&code={code}"),
        }),
        because: say(lang, "mail.because.reset", &[]),
        ..Page::default()
    }
}

fn invitation(db: &Db, app: &App, lang: Lang, base: &str, id: Option<InvitationId>) -> Result<Option<Page>> {
    let offered = match id {
        Some(id) => sql::offered(db, id, app.clock.now())?,
        None => None,
    };
    let Some(o) = offered else { return Ok(None) };
    let role = locale::get(lang, &format!("js.role.{}", o.role));
    let day = day(o.expires, &app.config().schedule.time_zone);
    let values = [("inviter", o.inviter.as_str()), ("project", &o.project), ("role", &role), ("day", &day)];
    Ok(Some(Page {
        lang,
        subject: say(lang, "mail.invitation.subject", &values),
        heading: say(lang, "mail.invitation.heading", &values),
        lines: vec![say(lang, "mail.invitation.line", &values), say(lang, "mail.invitation.until", &values)],
        button: Some(Link {
            text: say(lang, "mail.invitation.button", &[]),
            url: invitations::link(base, &invitations::key(app, &o.seed)),
        }),
        because: say(lang, "mail.because.invitation", &values),
        ..Page::default()
    }))
}

/// The day of a moment where the studio is.
fn day(at: Time, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    stamp.to_zoned(zone).date().to_string()
}

/// The page of a mail with notices, and where one click ends such mails. None of those that he may not see any more, has
/// turned off meanwhile or, of gathered ones, has read.
fn notices(
    db: &Db,
    app: &App,
    reader: &Reader,
    base: &str,
    id: MailId,
    kind: MailKind,
) -> Result<(Option<Page>, Option<String>)> {
    let lang = reader.lang;
    let wanted =
        |n: &Notice| reader.wish(n.kind).mail != Mode::Off && (kind == MailKind::Notice || n.read_at.is_none());
    let all: Vec<Notice> = sql::content(db, id)?.iter().map(|row| words::notice(app, lang, row)).collect();
    let all: Vec<Notice> = all.into_iter().filter(wanted).collect();
    let Some(first) = all.first() else { return Ok((None, None)) };
    let project = first.project_name.clone().unwrap_or_default();
    let subject = match all.len() {
        1 if project.is_empty() => first.title.clone(),
        1 => format!("[{project}] {}", first.title),
        n => say(lang, "mail.digest.subject", &[("n", &n.to_string())]),
    };
    let mut kinds: Vec<_> = all.iter().map(|n| n.kind).collect();
    kinds.sort();
    kinds.dedup();
    let end = |what| format!("{base}/unsubscribe/{}", unsubscribe::token(&app.signing_key, reader.user, what));
    let ends = kinds.iter().map(|kind| Link {
        text: say(lang, "mail.end.kind", &[("kind", &locale::get(lang, &format!("notice.kind.{kind}")))]),
        url: end(What::Kind(*kind)),
    });
    let mut ends: Vec<Link> = ends.collect();
    ends.push(Link { text: say(lang, "mail.end.settings", &[]), url: format!("{base}/me#notices") });
    let one_click = if let [kind] = kinds[..] { end(What::Kind(kind)) } else { end(What::All) };
    let mut lines = Vec::new();
    if all.len() > SHOWN {
        lines.push(say(lang, "mail.digest.more", &[("n", &(all.len() - SHOWN).to_string())]));
    }
    let heading = if all.len() == 1 { first.title.clone() } else { subject.clone() };
    let button = Link { text: say(lang, "mail.digest.button", &[]), url: format!("{base}/notices") };
    let page = Page {
        lang,
        subject,
        heading,
        lines,
        groups: groups(base, all.into_iter().take(SHOWN)),
        button: Some(button),
        because: say(lang, "mail.because.notice", &[]),
        ends,
        ..Page::default()
    };
    Ok((Some(page), Some(one_click)))
}

/// By project, in the order in which the projects first appear.
fn groups(base: &str, all: impl Iterator<Item = Notice>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for n in all {
        let project = n.project_name.unwrap_or_default();
        let item = Item { title: n.title, text: n.text, url: format!("{base}{}", n.url) };
        match groups.iter_mut().find(|g| g.project == project) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { project, items: vec![item] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_no_html() {
        let item = Item {
            title: "<b>x</b>".into(),
            text: "<script>alert(1)</script>".into(),
            url: "https://x/?a=1&b=2".into(),
        };
        let page = Page {
            subject: "s".into(),
            heading: "<h>".into(),
            groups: vec![Group { project: "\"><img src=x>".into(), items: vec![item] }],
            ..Page::default()
        };
        let html = Html { p: &page }.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<img") && !html.contains("<b>x"), "{html}");
        let text = Plain { p: &page }.render().unwrap();
        assert!(text.contains("<script>alert(1)</script>") && text.contains("https://x/?a=1&b=2"), "{text}");
    }
}
