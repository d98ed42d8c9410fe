//! What is indexed of a row, and the fields that it becomes.

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{TantivyDocument, Term};

use super::text::{self, Tokens, norm};

/// A document's name: which kind of row, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The caller's numbers; 0 is a scope itself, of which it has the id.
    pub kind: u8,
    /// Row id, below 2^55.
    pub id: i64,
}

impl Key {
    pub(super) fn packed(self) -> u64 {
        ((self.kind as u64) << 56) | (self.id as u64 & ((1 << 56) - 1))
    }

    pub(super) fn unpacked(packed: u64) -> Key {
        Key { kind: (packed >> 56) as u8, id: (packed & ((1 << 56) - 1)) as i64 }
    }
}

/// One row as it is to be found.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name; another document of this name is replaced.
    pub key: Key,
    /// Where it belongs; rights are judged by it. 0: see `scopes`.
    pub scope: i64,
    /// Of what belongs to many places at once.
    pub scopes: Vec<i64>,
    /// Whose it is.
    pub owner: i64,
    /// The caller's number of its status.
    pub status: u8,
    /// The caller's bits.
    pub flags: u8,
    /// Milliseconds; newer ones come first among equals.
    pub at: i64,
    /// Names and titles.
    pub name: String,
    /// A short text: what people say.
    pub short: String,
    /// A long text: descriptions.
    pub long: String,
}

/// Texts of one kind. Each has fields, statistics and lengths of its own: among short texts a long one would drown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Set {
    Name,
    Long,
    Short,
}

impl Set {
    pub(super) const ALL: [Set; 3] = [Set::Name, Set::Long, Set::Short];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Set::Name => "name",
            Set::Long => "long",
            Set::Short => "short",
        }
    }
}

/// What the tokens of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Josa,
    Bisq,
    Jg5,
    Cho,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Josa, Kind::Bisq, Kind::Jg5, Kind::Cho];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Josa => "josa",
            Kind::Bisq => "bisq",
            Kind::Jg5 => "jg5",
            Kind::Cho => "cho",
        }
    }

    /// What a whole match of it weighs beside those of other fields.
    pub(super) fn boost(self) -> f32 {
        match self {
            Kind::Josa | Kind::Bisq | Kind::Cho => 1.0,
            Kind::Jg5 => 0.3,
        }
    }

    /// What it weighs for how much of a question is covered: a word says little that its pairs of syllables do not.
    pub(super) fn cover(self) -> f32 {
        match self {
            Kind::Josa => 0.5,
            Kind::Bisq | Kind::Cho => 1.0,
            Kind::Jg5 => 0.3,
        }
    }

    pub(super) fn tokens(self, text: &text::Norm, set: Set) -> Tokens {
        match self {
            Kind::Josa => text::josa(text),
            Kind::Bisq => text::bisq(text),
            Kind::Jg5 => text::jg5(text),
            Kind::Cho => text::cho(text, set == Set::Name),
        }
    }

    fn record(self) -> IndexRecordOption {
        match self {
            Kind::Josa => IndexRecordOption::WithFreqs,
            // Phrases are asked of it.
            Kind::Bisq => IndexRecordOption::WithFreqsAndPositions,
            // Once or twice in a text is all the same.
            Kind::Jg5 | Kind::Cho => IndexRecordOption::Basic,
        }
    }
}

/// All fields.
#[derive(Clone)]
pub(super) struct Fields {
    pub(super) key: Field,
    pub(super) scope: Field,
    pub(super) scopes: Field,
    pub(super) owner: Field,
    /// `kind << 16 | status << 8 | flags`.
    pub(super) facts: Field,
    pub(super) at: Field,
    texts: [[Option<Field>; 4]; 3],
}

impl Fields {
    /// `None` where a set does without: long texts need neither keystrokes nor initials.
    pub(super) fn text(&self, set: Set, kind: Kind) -> Option<Field> {
        self.texts[set as usize][kind as usize]
    }

    /// The fields of texts that there are.
    pub(super) fn texts() -> impl Iterator<Item = (Set, Kind)> {
        Set::ALL.into_iter().flat_map(|s| Kind::ALL.into_iter().map(move |k| (s, k))).filter(|(s, k)| has(*s, *k))
    }
}

fn has(set: Set, kind: Kind) -> bool {
    set != Set::Long || matches!(kind, Kind::Josa | Kind::Bisq)
}

fn name_of(set: Set, kind: Kind) -> String {
    format!("{}_{}", set.as_str(), kind.as_str())
}

/// Nothing is stored but what columns and postings hold: rows are shown from the tables.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let key = builder.add_u64_field("key", INDEXED | FAST);
    let scope = builder.add_u64_field("scope", INDEXED | FAST);
    let scopes = builder.add_u64_field("scopes", INDEXED | FAST);
    let owner = builder.add_u64_field("owner", FAST);
    let facts = builder.add_u64_field("facts", FAST);
    let at = builder.add_i64_field("at", FAST);
    let mut texts = [[None; 4]; 3];
    for (set, kind) in Fields::texts() {
        let name = name_of(set, kind);
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(&name)
            .set_index_option(kind.record())
            .set_fieldnorms(kind != Kind::Cho);
        let field = builder.add_text_field(&name, TextOptions::default().set_indexing_options(indexing));
        texts[set as usize][kind as usize] = Some(field);
    }
    (builder.build(), Fields { key, scope, scopes, owner, facts, at, texts })
}

pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    for (set, kind) in Fields::texts() {
        manager.register(&name_of(set, kind), Analyzer { set, kind });
    }
    manager
}

impl Document {
    pub(super) fn fields(&self, fields: &Fields) -> TantivyDocument {
        let mut out = TantivyDocument::new();
        out.add_u64(fields.key, self.key.packed());
        out.add_u64(fields.scope, self.scope as u64);
        for scope in &self.scopes {
            out.add_u64(fields.scopes, *scope as u64);
        }
        out.add_u64(fields.owner, self.owner as u64);
        out.add_u64(fields.facts, ((self.key.kind as u64) << 16) | ((self.status as u64) << 8) | self.flags as u64);
        out.add_i64(fields.at, self.at);
        for (set, text) in [(Set::Name, &self.name), (Set::Long, &self.long), (Set::Short, &self.short)] {
            for kind in Kind::ALL {
                if let Some(field) = fields.text(set, kind).filter(|_| !text.is_empty()) {
                    out.add_text(field, text);
                }
            }
        }
        out
    }
}

pub(super) fn key_term(fields: &Fields, key: Key) -> Term {
    Term::from_field_u64(fields.key, key.packed())
}

/// Our tokens, as tantivy asks for them.
#[derive(Clone)]
struct Analyzer {
    set: Set,
    kind: Kind,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        Stream { tokens: self.kind.tokens(&norm(text), self.set), next: 0, token: TantivyToken::default() }
    }
}

struct Stream {
    tokens: Tokens,
    next: usize,
    token: TantivyToken,
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let Some((text, place)) = self.tokens.get(self.next) else { return false };
        self.token.text.clear();
        self.token.text.push_str(text);
        self.token.position = place.position as usize;
        self.token.offset_from = place.from as usize;
        self.token.offset_to = place.to as usize;
        self.next += 1;
        true
    }

    fn token(&self) -> &TantivyToken {
        &self.token
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        &mut self.token
    }
}
