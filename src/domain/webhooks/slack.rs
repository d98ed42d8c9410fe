//! The sentence that a chat shows, in the form of Slack's incoming webhooks: `text`, and `blocks` in its mrkdwn.

use serde_json::{Value, json};

use super::payload::Told;
use crate::base::locale;

/// Characters of what somebody wrote that are quoted.
const QUOTE: usize = 280;

/// The body.
pub(super) fn body(told: &Told) -> Value {
    let sentence = sentence(told);
    let link = told.link.as_deref().map(|url| {
        let open = locale::get(told.letter.lang, "webhook.open");
        format!(" <{}|{}>", escape(url), escape(&open))
    });
    let text = format!("{sentence}{}", link.unwrap_or_default());
    json!({
        "text": text,
        "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": text } }],
    })
}

fn sentence(told: &Told) -> String {
    let letter = told.letter;
    let say = |key: &str| locale::get(letter.lang, key);
    let who = match &letter.actor {
        Some(actor) => say("webhook.who").replace("{name}", &escape(&line(&actor.nickname, 80))),
        None if letter.anonymous => say("webhook.who_anonymous"),
        None => String::new(),
    };
    let key = format!("webhook.say.{}", letter.verb);
    // An event that nobody in person has caused has a sentence of its own.
    let alone = format!("{key}.alone");
    let key = if who.is_empty() && locale::table(letter.lang).contains_key(&alone) { alone } else { key };
    let row = |name: &str| told.row.as_ref().and_then(|(_, row)| row.get(name));
    let what = letter.feedback_title.clone().unwrap_or_else(|| say("webhook.something"));
    let what = match row("version").and_then(Value::as_i64) {
        Some(version) => format!("{what} v{version}"),
        None => what,
    };
    let fact = |name: &str| told.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let sentence = say(&key)
        .replace("{who}", &who)
        .replace("{what}", &escape(&line(&what, 200)))
        .replace("{day}", &escape(fact("day")))
        .replace(
            "{verdict}",
            &letter.decision.as_ref().map_or(String::new(), |(d, _)| say(&format!("js.decision.{d}"))),
        );
    let quoted = row("text").and_then(Value::as_str).filter(|_| letter.verb.starts_with("comment_"));
    let quoted = quoted.or(letter.decision.as_ref().map(|(_, note)| note.as_str()).filter(|note| !note.is_empty()));
    let project = letter.project.as_ref().map(|(_, name)| name.as_str()).filter(|name| !name.is_empty());
    let project = project.map(|name| format!("[{}] ", escape(&line(name, 200)))).unwrap_or_default();
    let quoted = quoted.map(|text| format!(": “{}”", escape(&line(text, QUOTE)))).unwrap_or_default();
    format!("{project}{}{quoted}", sentence.trim())
}

/// One line of at most `max` characters.
pub(in crate::domain) fn line(text: &str, max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= max {
        return text;
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// The three characters that mean something in mrkdwn.
pub(in crate::domain) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::payload::{Told, sample};
    use super::super::verbs::{GROUPS, PING};
    use super::*;
    use crate::base::locale::Lang;

    #[test]
    fn a_chat_reads_a_sentence_in_which_nothing_is_markup() {
        let letter = sample("comment_added");
        let row = Some(("comment", json!({ "text": "<!channel> 자막\n오타 & 색" })));
        let link = Some("https://review.example.com/feedbacks/8?c=9".to_owned());
        let body = body(&Told { letter: &letter, facts: Default::default(), row, link });
        let wanted = "[가을 &lt;광고&gt; &amp; 봄] 오세린 님이 시사본 v3에 의견을 남겼습니다: \
                      “&lt;!channel&gt; 자막 오타 &amp; 색” <https://review.example.com/feedbacks/8?c=9|열기>";
        assert_eq!(body["text"], wanted);
        assert_eq!(body["blocks"][0]["text"]["text"], wanted);
    }

    #[test]
    fn an_anonymous_author_has_no_name_and_a_program_none_either() {
        let mut letter = sample("comment_added");
        (letter.actor, letter.anonymous) = (None, true);
        let told = |letter| sentence(&Told { letter, facts: Default::default(), row: None, link: None });
        assert!(told(&letter).contains("익명"), "{}", told(&letter));
        let mut letter = sample("media_ready");
        (letter.actor, letter.lang) = (None, Lang::En);
        assert!(!told(&letter).contains('{'), "{}", told(&letter));
    }

    #[test]
    fn every_verb_has_a_sentence_in_both_languages() {
        let all = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).chain([PING]);
        for verb in all {
            for lang in [Lang::Ko, Lang::En] {
                let key = format!("webhook.say.{verb}");
                assert!(locale::table(lang).contains_key(&key), "{key}");
                let mut letter = sample(verb);
                letter.lang = lang;
                let said = sentence(&Told { letter: &letter, facts: Default::default(), row: None, link: None });
                assert!(!said.contains('{') && !said.contains("webhook.say"), "{said}");
            }
        }
    }
}
