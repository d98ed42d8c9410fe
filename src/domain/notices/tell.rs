//! Whom an event concerns, and as what: the one place that decides it, on the rows as they stand at the delivery.

use std::collections::BTreeSet;

use serde_json::json;

use super::deliver::{Post, Telling, deliver};
use super::sql::{self, Happened};
use super::sql_people::{self as people, Member};
use super::{NoticeKind, mails, mention};
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::*;
use crate::base::roles::Right;
use crate::engines::store::Tx;

/// Does this verb concern anybody?
pub(super) fn concerns(event: &Event) -> bool {
    use Event::*;
    matches!(
        event,
        MemberAdded { .. }
            | InvitationSent { .. }
            | InvitationResent { .. }
            | InvitationAccepted { .. }
            | FeedbackAdded { .. }
            | CommentAdded { .. }
            | CommentChanged { .. }
            | ReactionAdded { .. }
            | Decided { .. }
            | MediaReady { .. }
            | MediaFailed { .. }
            | CleanupAnnounced { .. }
            | FilmingConflict { .. }
            | DeadlineNear { .. }
            | PlanChanged { .. }
            | WebhookDisabled { .. }
            | ResetRequested { .. }
    )
}

/// Notices that stand in the program now, each with whom it is for.
pub(super) type Told = Vec<(UserId, NoticeId)>;

/// Tells everybody whom one event concerns.
pub(super) fn tell(tx: &mut Tx, post: Post, happened: &Happened) -> Result<Told> {
    let Some(event) = &happened.event else { return Ok(Vec::new()) };
    match event {
        Event::ResetRequested { user } => {
            mails::add_reset(tx, post, *user)?;
            return Ok(Vec::new());
        }
        Event::InvitationSent { invitation } | Event::InvitationResent { invitation } => {
            mails::add_invitation(tx, post, *invitation)?;
        }
        _ => {}
    }
    let tellings = tellings(tx, happened, event)?;
    let users: Vec<UserId> = tellings.iter().map(|t| t.user).collect();
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let readers = people::readers(tx, &users)?;
    let mut told = Vec::new();
    for t in tellings {
        let Some(reader) = readers.iter().find(|r| r.user == t.user) else { continue };
        // Only comments ask whether one takes part; the answer came with the telling.
        if t.facts["bystander"] == true && !reader.all_comments {
            continue;
        }
        if let Some(id) = deliver(tx, post, happened.seq, reader, &t)? {
            told.push((t.user, id));
        }
    }
    Ok(told)
}

/// What each person whom it concerns is to be told: nobody of his own act, each at most once, members alone.
fn tellings(tx: &mut Tx, happened: &Happened, event: &Event) -> Result<Vec<Telling>> {
    use NoticeKind as K;
    let (project, actor) = (happened.project, happened.actor);
    let base = |kind| Telling::new(kind, project, actor);
    let members = match project {
        Some(project) => people::members(tx, project, happened.at)?,
        None => Vec::new(),
    };
    let team = |m: &&Member| m.role.may(Right::SeeInternal);
    let to_all = |t: Telling| members.iter().map(|m| t.to(m.user)).collect::<Vec<_>>();
    let to_team = |t: Telling| members.iter().filter(team).map(|m| t.to(m.user)).collect::<Vec<_>>();
    let to_one = |t: Telling, user: UserId| match members.iter().any(|m| m.user == user) {
        true => vec![t.to(user)],
        false => Vec::new(),
    };
    let mut tellings = match event {
        Event::MemberAdded { user, role, .. } => {
            // Who takes an invitation knows that he has joined; its event stands right behind this one.
            let by_himself = matches!(sql::next_event(tx, happened.seq)?,
                Some(Event::InvitationAccepted { user: who, .. }) if who == *user);
            let t = Telling { facts: json!({ "role": role }), ..base(K::MemberAdded) };
            if by_himself { Vec::new() } else { to_one(t, *user) }
        }
        Event::InvitationSent { invitation } => {
            let account = people::invitation(tx, *invitation)?.and_then(|i| i.account);
            let t = Telling { invitation: Some(*invitation), ..base(K::InvitationReceived) };
            account.map(|user| t.to(user)).into_iter().collect()
        }
        Event::InvitationAccepted { invitation, user } => {
            let inviter = people::invitation(tx, *invitation)?.map(|i| i.inviter);
            let t = Telling { actor: Some(*user), ..base(K::InvitationAccepted) };
            inviter.map(|inviter| to_one(t, inviter)).unwrap_or_default()
        }
        // The discussion of a plan begins with the plan's own review.
        Event::FeedbackAdded { feedback } if people::film_stands(tx, *feedback)? => {
            to_all(Telling { feedback: Some(*feedback), ..base(K::FeedbackAdded) })
        }
        Event::CommentAdded { comment, feedback } => commented(tx, &members, base, *comment, *feedback)?,
        Event::CommentChanged { comment, feedback } => {
            let mut named = mentions(tx, &members, &base, *comment, *feedback)?.unwrap_or_default();
            let users: Vec<UserId> = named.iter().map(|t| t.user).collect();
            let told = people::told_of_mention(tx, *comment, &users)?;
            named.retain(|t| !told.contains(&t.user));
            named
        }
        Event::ReactionAdded { comment, feedback } => {
            let t = Telling { comment: Some(*comment), feedback: Some(*feedback), ..base(K::Reaction) };
            let said = people::said(tx, *comment)?;
            said.map(|said| to_one(t, said.author)).unwrap_or_default()
        }
        Event::Decided { feedback, user } => match people::decision(tx, *feedback, *user)? {
            Some(decision) if people::feedback_stands(tx, *feedback)? => to_team(Telling {
                feedback: Some(*feedback),
                actor: Some(*user),
                facts: json!({ "decision": decision }),
                ..base(K::Decision)
            }),
            _ => Vec::new(),
        },
        Event::MediaReady { media, feedback } | Event::MediaFailed { media, feedback } => {
            let kind = if matches!(event, Event::MediaReady { .. }) { K::MediaReady } else { K::MediaFailed };
            // The program has made it: its uploader is told as well.
            let t = Telling { media: Some(*media), feedback: Some(*feedback), actor: None, ..base(kind) };
            let mut all = to_team(t.clone());
            if let Some(uploader) = people::uploader(tx, *media)? {
                all.extend(to_one(t, uploader));
            }
            all
        }
        Event::PlanChanged { plan, fields } if fields.iter().any(|f| f == "status") => {
            let t = |kind| Telling { plan: Some(*plan), ..base(kind) };
            match people::plan_status(tx, *plan)?.as_deref() {
                Some("in_review") => to_all(t(K::PlanReview)),
                Some("approved") => to_team(t(K::PlanApproved)),
                _ => Vec::new(),
            }
        }
        Event::CleanupAnnounced { feedback, due } => to_team(Telling {
            feedback: Some(*feedback),
            facts: json!({ "what": "cleanup", "day": due.date() }),
            ..base(K::System)
        }),
        Event::WebhookDisabled { .. } => {
            let t = Telling { facts: json!({ "what": "webhook" }), ..base(K::System) };
            members.iter().filter(|m| m.role.may(Right::Manage)).map(|m| t.to(m.user)).collect()
        }
        Event::FilmingConflict { other, user, day, .. } => {
            let t = Telling {
                other: Some(*other),
                whom: Some(*user),
                facts: json!({ "day": day }),
                ..base(K::ScheduleConflict)
            };
            let mut all = to_team(t.clone());
            all.extend(to_one(t, *user));
            all
        }
        Event::DeadlineNear { project, what, day, days } => {
            let entry = what.strip_prefix("entry:").and_then(|id| id.parse().ok()).map(EntryId);
            let facts = json!({ "what": what, "day": day, "days": days });
            let t = Telling { entry, facts, ..base(K::Deadline) };
            let mut all = to_team(t.clone());
            for user in people::due_people(tx, *project, what.strip_prefix("phase:"), entry)? {
                all.extend(to_one(t.clone(), user));
            }
            all
        }
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    // The actor of a comment that turned anonymous is taken out of the telling, not out of the event.
    tellings.retain(|t| Some(t.user) != actor && Some(t.user) != t.actor && seen.insert(t.user));
    Ok(tellings)
}

/// Those whom a new comment concerns: whom it names, else who takes part.
fn commented(
    tx: &mut Tx,
    members: &[Member],
    base: impl Fn(NoticeKind) -> Telling,
    comment: CommentId,
    feedback: FeedbackId,
) -> Result<Vec<Telling>> {
    let Some(mut all) = mentions(tx, members, &base, comment, feedback)? else { return Ok(Vec::new()) };
    let Some(said) = people::said(tx, comment)? else { return Ok(Vec::new()) };
    let mut part = people::taking_part(tx, feedback)?;
    part.push(said.feedback_owner);
    let mut t = base(NoticeKind::CommentAdded);
    (t.comment, t.feedback) = (Some(comment), Some(feedback));
    t.actor = t.actor.filter(|_| !said.anonymous);
    for m in members.iter().filter(|m| !said.internal || m.role.may(Right::SeeInternal)) {
        let mut to = t.to(m.user);
        if !part.contains(&m.user) {
            to.facts = json!({ "bystander": true });
        }
        all.push(to);
    }
    Ok(all)
}

/// Those whom a comment names, as far as they may see it; `None` if it is gone.
fn mentions(
    tx: &mut Tx,
    members: &[Member],
    base: &impl Fn(NoticeKind) -> Telling,
    comment: CommentId,
    feedback: FeedbackId,
) -> Result<Option<Vec<Telling>>> {
    let Some(said) = people::said(tx, comment)? else { return Ok(None) };
    let mut t = base(NoticeKind::Mention);
    (t.comment, t.feedback) = (Some(comment), Some(feedback));
    t.actor = t.actor.filter(|_| !said.anonymous);
    let able: Vec<&Member> = members.iter().filter(|m| !said.internal || m.role.may(Right::SeeInternal)).collect();
    let names: Vec<&str> = able.iter().map(|m| m.nickname.as_str()).collect();
    let named: Vec<&str> = mention::named(&said.text, &names).into_iter().map(|i| names[i]).collect();
    // Of two with the same name nobody knows who is meant.
    let meant = able.iter().filter(|m| named.iter().any(|n| n.to_lowercase() == m.nickname.to_lowercase()));
    Ok(Some(meant.map(|m| t.to(m.user)).collect()))
}
