//! Invitations: a link for one address, accepted by whoever signs in under it or signs up with it.
//!
//! The link's key is shown to the inviter only when it is made or made anew. The store keeps its hash, and a seed from
//! which the instance's own key makes it again for the mail.

use serde::{Deserialize, Serialize};

use super::{Project, allow, judge, members, sql};
use crate::app::App;
use crate::base::clock::{DAY, SECOND, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{InvitationId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::page::{Page, PageSlice};
use crate::base::roles::{Right, Role, SiteRole};
use crate::base::secret;
use crate::domain::accounts::{self, NewUser, Origin, SignedIn, Viewer, password};
use crate::engines::store::Db;
use crate::{closed_set, text_columns};

closed_set! {
    /// The life of an invitation. `expired` is shown for a pending one whose time is over.
    InvitationStatus {
        /// 대기중
        Pending = "pending",
        /// 수락됨
        Accepted = "accepted",
        /// 거절됨
        Declined = "declined",
        /// 만료됨
        Expired = "expired",
        /// 취소됨
        Revoked = "revoked",
    }
}

text_columns!(InvitationStatus);

/// How long a link holds.
const HOLDS: i64 = 14 * DAY;
/// How soon it may be made anew.
const COOL_DOWN: i64 = 60 * SECOND;

/// An invitation as managers see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To whom.
    #[schema(example = "guest@example.com")]
    pub email: String,
    /// As what.
    pub role: Role,
    /// Where it stands.
    pub status: InvitationStatus,
    /// When it was made.
    pub created: Time,
    /// When its link was last made.
    pub sent: Time,
    /// Until when it holds.
    pub expires_at: Time,
    /// The link, only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://review.example/invite/vp_i_Q2hhbmdlLW1l")]
    pub link: Option<String>,
}

/// A new invitation.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "guest@example.com", "role": "reviewer" }))]
pub struct NewInvitation {
    /// To whom.
    pub email: String,
    /// As what; any but owner.
    pub role: Role,
}

/// What the link's holder is told before he accepts.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Offer {
    /// Which project.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: String,
    /// As what.
    pub role: Role,
    /// Whom it is for.
    #[schema(example = "guest@example.com")]
    pub email: String,
    /// Who invites.
    #[schema(example = "오세린")]
    pub inviter: String,
    /// Until when.
    pub expires_at: Time,
}

pub(super) struct Open {
    pub(super) id: InvitationId,
    pub(super) project: ProjectId,
    pub(super) inviter: UserId,
    pub(super) offer: Offer,
}

/// The key of the link whose row holds `seed`.
pub fn key(app: &App, seed: &[u8]) -> String {
    secret::derived_token("i", &app.signing_key, "invitation", seed)
}

/// The link of a key.
pub fn link(base_url: &str, token: &str) -> String {
    format!("{base_url}/invite/{token}")
}

/// The newest invitations of a project that were neither taken nor withdrawn, at most 100; none for those who may not
/// manage it. One statement.
pub fn waiting(db: &Db, project: &Project, now: Time) -> Result<Vec<Invitation>> {
    if !project.my_role.may(Right::Manage) {
        return Ok(Vec::new());
    }
    let (mut all, _) = sql::invitations(db, project.id, now, PageSlice { page: 1, size: 100 })?;
    all.retain(|i| matches!(i.status, InvitationStatus::Pending | InvitationStatus::Expired));
    Ok(all)
}

/// The invitations of a project, newest first.
pub fn list(
    db: &Db,
    who: &Viewer,
    project: ProjectId,
    now: Time,
    uri: &str,
    slice: PageSlice,
) -> Result<Page<Invitation>> {
    allow(db, who.user, project, Right::Manage)?;
    let (rows, count) = sql::invitations(db, project, now, slice)?;
    Ok(Page::new(uri, slice, count, rows))
}

/// Invites an address.
pub async fn add(
    app: &App,
    who: &Viewer,
    project: ProjectId,
    new: NewInvitation,
    base_url: &str,
) -> Result<Invitation> {
    let email = accounts::clean_email(&new.email);
    Check::new()
        .that(accounts::is_email(&email), "email", Text::new("invalid.email"))
        .that(new.role != Role::Owner, "role", Text::new("invalid.role_owner"))
        .done()?;
    let seed = secret::random::<32>();
    let token = key(app, &seed);
    let (hash, url) = (secret::hash(&token), link(base_url, &token));
    let actor = who.user;
    app.write(move |tx| {
        let (mine, account) = sql::role_and_account(tx, project, actor, None, Some(&email))?;
        judge(mine, Right::Manage, "project")?;
        if account.is_some_and(|a| a.is_member) {
            return Err(Error::Conflict(Text::new("error.already_member")));
        }
        let now = tx.now();
        let (expires, role) = (now.plus(HOLDS), new.role);
        let id = sql::insert_invitation(tx, project, actor, &email, role, (&hash, &seed), expires)?
            .ok_or_else(|| Error::Conflict(Text::new("error.already_invited")))?;
        tx.emit(Some(project), Some(actor), Event::InvitationSent { invitation: id }, None)?;
        Ok(Invitation {
            id,
            email,
            role,
            status: InvitationStatus::Pending,
            created: now,
            sent: now,
            expires_at: expires,
            link: Some(url),
        })
    })
    .await
}

/// Makes the link anew; the old one is worth nothing any more. At most once a minute.
pub async fn resend(
    app: &App,
    who: &Viewer,
    project: ProjectId,
    id: InvitationId,
    base_url: &str,
) -> Result<Invitation> {
    let seed = secret::random::<32>();
    let token = key(app, &seed);
    let (hash, url) = (secret::hash(&token), link(base_url, &token));
    let actor = who.user;
    app.write(move |tx| {
        allow(tx, actor, project, Right::Manage)?;
        let now = tx.now();
        let mut invitation = sql::invitation(tx, project, id, now)?.ok_or(Error::NotFound("invitation"))?;
        if !matches!(invitation.status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(Error::Conflict(Text::new("error.invitation_over")));
        }
        let next = invitation.sent.plus(COOL_DOWN);
        if next > now {
            return Err(Error::TooMany { retry_after_s: ((next.0 - now.0 + 999) / 1000) as u64 });
        }
        let expires = now.plus(HOLDS);
        sql::renew_invitation(tx, id, (&hash, &seed), expires)?;
        tx.emit(Some(project), Some(actor), Event::InvitationResent { invitation: id }, None)?;
        invitation.status = InvitationStatus::Pending;
        (invitation.sent, invitation.expires_at, invitation.link) = (now, expires, Some(url));
        Ok(invitation)
    })
    .await
}

/// Takes an invitation back.
pub async fn revoke(app: &App, who: &Viewer, project: ProjectId, id: InvitationId) -> Result<()> {
    let actor = who.user;
    app.write(move |tx| {
        allow(tx, actor, project, Right::Manage)?;
        let now = tx.now();
        let invitation = sql::invitation(tx, project, id, now)?.ok_or(Error::NotFound("invitation"))?;
        if !matches!(invitation.status, InvitationStatus::Pending | InvitationStatus::Expired) {
            return Err(Error::Conflict(Text::new("error.invitation_over")));
        }
        sql::end_invitation(tx, id, InvitationStatus::Revoked, None)?;
        tx.emit(Some(project), Some(actor), Event::InvitationRevoked { invitation: id }, None)?;
        Ok(())
    })
    .await
}

/// What a link offers, while it holds.
pub fn offer(db: &Db, token: &str, now: Time) -> Result<Offer> {
    Ok(open(db, token, now)?.offer)
}

fn open(db: &Db, token: &str, now: Time) -> Result<Open> {
    if token.len() > 100 {
        return Err(Error::NotFound("invitation"));
    }
    sql::open_invitation(db, &secret::hash(token), now)?.ok_or(Error::NotFound("invitation"))
}

/// Accepts as a signed-in person, whose address must be the invited one. Answers the project.
pub async fn accept(app: &App, who: &Viewer, token: String) -> Result<ProjectId> {
    let (who, max) = (who.clone(), app.config().accounts.max_members);
    app.write(move |tx| {
        let open = open(tx, &token, tx.now())?;
        if open.offer.email != who.email {
            return Err(Error::Conflict(Text::new("error.invitation_for_other").with("email", &open.offer.email)));
        }
        take(tx, &open, who.user, max)
    })
    .await
}

fn take(tx: &mut crate::engines::store::Tx, open: &Open, user: UserId, max: i64) -> Result<ProjectId> {
    members::join(tx, open.inviter, open.project, user, open.offer.role, max)?;
    sql::end_invitation(tx, open.id, InvitationStatus::Accepted, Some(user))?;
    let event = Event::InvitationAccepted { invitation: open.id, user };
    tx.emit(Some(open.project), Some(user), event, None)?;
    Ok(open.project)
}

/// Declines; the link is enough.
pub async fn decline(app: &App, token: String) -> Result<()> {
    app.write(move |tx| {
        let open = open(tx, &token, tx.now())?;
        sql::end_invitation(tx, open.id, InvitationStatus::Declined, None)?;
        tx.emit(Some(open.project), None, Event::InvitationDeclined { invitation: open.id }, None)?;
        Ok(())
    })
    .await
}

/// Signs up, as far as the instance's policy lets: `open` for everybody, `invite` with an invitation to this address.
/// A valid invitation is accepted in the same change.
pub async fn sign_up(app: &App, new: NewUser, invitation: Option<String>, from: Origin) -> Result<SignedIn> {
    let new = new.check()?;
    let policy = app.config().accounts.signup.clone();
    let closed = || Error::Conflict(Text::new("error.signup_closed"));
    if policy == "closed" || (policy == "invite" && invitation.is_none()) {
        return Err(closed());
    }
    let max = app.config().accounts.max_members;
    let hash = password::hash(new.password.clone()).await?;
    let user = app
        .write(move |tx| {
            let open = invitation.map(|token| open(tx, &token, tx.now())).transpose()?;
            if let Some(open) = &open
                && open.offer.email != new.email
            {
                return Err(Error::invalid("email", Text::new("invalid.email_not_invited")));
            }
            // Before set-up nobody signs up: the first account is the admin's.
            if !accounts::any(tx)? {
                return Err(Error::Conflict(Text::new("error.signup_closed")));
            }
            let user = accounts::insert(tx, &new, &hash, SiteRole::Member)?;
            if let Some(open) = &open {
                take(tx, open, user, max)?;
            }
            Ok(user)
        })
        .await?;
    accounts::sign_in(app, user, from).await
}
