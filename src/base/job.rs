//! Durable work: what can be done later, and how a job tells whether time can heal a failure.

use serde::{Deserialize, Serialize};

use crate::base::ids::*;
use crate::closed_set;

/// Everything that runs later. `work.rs` says which function runs which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Find out what an uploaded media is.
    ProbeMedia {
        /// Which.
        media: MediaId,
    },
    /// Decide whether a media can be used, once what was made of it is there: plans the three that follow, if nobody
    /// has, and waits for them.
    ProcessMedia {
        /// Which.
        media: MediaId,
        /// What is made again though it is there; empty: what is missing is made.
        #[serde(default)]
        again: Vec<Part>,
    },
    /// Make a media's poster and pictures along it, or what is shown of a still.
    PictureMedia {
        /// Which.
        media: MediaId,
        /// See [`Job::ProcessMedia`].
        #[serde(default)]
        again: Vec<Part>,
    },
    /// Make a media's proxy, and all that comes out of the same decode.
    ProxyMedia {
        /// Which.
        media: MediaId,
        /// See [`Job::ProcessMedia`].
        #[serde(default)]
        again: Vec<Part>,
    },
    /// Make a long film's ladder of sizes.
    HlsMedia {
        /// Which.
        media: MediaId,
        /// See [`Job::ProcessMedia`].
        #[serde(default)]
        again: Vec<Part>,
    },
    /// Write a plan's storyboard, or a part of it, anew.
    DraftStoryboard {
        /// Which.
        plan: PlanId,
        /// What was asked for, in the words of `plans::storyboard`.
        ask: serde_json::Value,
    },
    /// Send one mail.
    SendMail {
        /// Which.
        mail: MailId,
    },
    /// Tell one webhook.
    CallWebhook {
        /// Which telling.
        delivery: DeliveryId,
    },
    /// Tell one receiver of an alert.
    TellAlert {
        /// Which telling.
        telling: AlertTellingId,
    },
    /// Remind of deadlines that come near.
    Remind,
    /// Gather what people want to read at once into one mail.
    SendDigests,
    /// Forget notices, mails and tellings that are old.
    PruneNotices,
    /// Forget expired sessions, uploads, reset codes, invitations and idempotency keys.
    CleanUp,
    /// Read ahead what the busiest people ask for first.
    CacheWarm,
    /// Build the search index anew.
    Reindex,
    /// Tidy the database: statistics, free pages, log.
    DbOptimize,
    /// Look whether the database is whole.
    IntegrityCheck,
    /// Forget what is old in the journal.
    PruneJournal,
    /// Forget jobs that are long over.
    PruneJobs,
    /// Compare the sums of the storage with the rows, and the rows with the disk; mend what differs.
    StorageCheck,
    /// Drop films for review, least recently watched first, until they are below their limit.
    EvictRenditions,
    /// Remove for good what has been in the trash for its days.
    PurgeTrash,
    /// Announce and clean films of feedbacks that have been closed for long.
    CleanClosed,
    /// Look for files without rows and rows without files.
    OrphanScan,
    /// Take a backup, verify it, and let old ones go.
    Backup {
        /// Where to; empty: where the settings say.
        #[serde(default)]
        to: String,
    },
    /// Look whether a backup is what it was.
    VerifyBackup {
        /// Which; empty: the newest.
        #[serde(default)]
        backup: String,
        /// Read all of it, not a sample.
        #[serde(default)]
        all: bool,
    },
    /// Delete one backup, and what it alone needed.
    DeleteBackup {
        /// Which.
        backup: String,
    },
    /// Delete what a scan has found, as far as it still is so.
    OrphanDelete {
        /// The job that was the scan.
        scan: JobId,
    },
}

closed_set! {
    /// What can be made of a media.
    Part {
        /// Poster and pictures along the film; a still's view.
        Pictures = "pictures",
        /// The film for review.
        Proxy = "proxy",
        /// The sheet of small pictures.
        Sprite = "sprite",
        /// Cuts with a picture each, and black stretches.
        Scenes = "scenes",
        /// Waveform, loudness, silent stretches.
        Waveform = "waveform",
        /// The ladder of sizes.
        Hls = "hls",
    }
}

closed_set! {
    /// The names of [`Job`]'s kinds.
    JobKind {
        /// [`Job::ProbeMedia`]
        ProbeMedia = "probe_media",
        /// [`Job::ProcessMedia`]
        ProcessMedia = "process_media",
        /// [`Job::PictureMedia`]
        PictureMedia = "picture_media",
        /// [`Job::ProxyMedia`]
        ProxyMedia = "proxy_media",
        /// [`Job::HlsMedia`]
        HlsMedia = "hls_media",
        /// [`Job::DraftStoryboard`]
        DraftStoryboard = "draft_storyboard",
        /// [`Job::SendMail`]
        SendMail = "send_mail",
        /// [`Job::CallWebhook`]
        CallWebhook = "call_webhook",
        /// [`Job::TellAlert`]
        TellAlert = "tell_alert",
        /// [`Job::Remind`]
        Remind = "remind",
        /// [`Job::SendDigests`]
        SendDigests = "send_digests",
        /// [`Job::PruneNotices`]
        PruneNotices = "prune_notices",
        /// [`Job::CleanUp`]
        CleanUp = "clean_up",
        /// [`Job::CacheWarm`]
        CacheWarm = "cache_warm",
        /// [`Job::Reindex`]
        Reindex = "reindex",
        /// [`Job::DbOptimize`]
        DbOptimize = "db_optimize",
        /// [`Job::IntegrityCheck`]
        IntegrityCheck = "integrity_check",
        /// [`Job::PruneJournal`]
        PruneJournal = "prune_journal",
        /// [`Job::PruneJobs`]
        PruneJobs = "prune_jobs",
        /// [`Job::StorageCheck`]
        StorageCheck = "storage_check",
        /// [`Job::EvictRenditions`]
        EvictRenditions = "evict_renditions",
        /// [`Job::PurgeTrash`]
        PurgeTrash = "purge_trash",
        /// [`Job::CleanClosed`]
        CleanClosed = "clean_closed",
        /// [`Job::OrphanScan`]
        OrphanScan = "orphan_scan",
        /// [`Job::Backup`]
        Backup = "backup",
        /// [`Job::VerifyBackup`]
        VerifyBackup = "verify_backup",
        /// [`Job::DeleteBackup`]
        DeleteBackup = "delete_backup",
        /// [`Job::OrphanDelete`]
        OrphanDelete = "orphan_delete",
    }
}

impl Job {
    /// The version that it is about.
    pub fn media(&self) -> Option<MediaId> {
        match self {
            Job::ProbeMedia { media }
            | Job::ProcessMedia { media, .. }
            | Job::PictureMedia { media, .. }
            | Job::ProxyMedia { media, .. }
            | Job::HlsMedia { media, .. } => Some(*media),
            _ => None,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> JobKind {
        match self {
            Job::ProbeMedia { .. } => JobKind::ProbeMedia,
            Job::ProcessMedia { .. } => JobKind::ProcessMedia,
            Job::PictureMedia { .. } => JobKind::PictureMedia,
            Job::ProxyMedia { .. } => JobKind::ProxyMedia,
            Job::HlsMedia { .. } => JobKind::HlsMedia,
            Job::DraftStoryboard { .. } => JobKind::DraftStoryboard,
            Job::SendMail { .. } => JobKind::SendMail,
            Job::CallWebhook { .. } => JobKind::CallWebhook,
            Job::TellAlert { .. } => JobKind::TellAlert,
            Job::Remind => JobKind::Remind,
            Job::SendDigests => JobKind::SendDigests,
            Job::PruneNotices => JobKind::PruneNotices,
            Job::CleanUp => JobKind::CleanUp,
            Job::CacheWarm => JobKind::CacheWarm,
            Job::Reindex => JobKind::Reindex,
            Job::DbOptimize => JobKind::DbOptimize,
            Job::IntegrityCheck => JobKind::IntegrityCheck,
            Job::PruneJournal => JobKind::PruneJournal,
            Job::PruneJobs => JobKind::PruneJobs,
            Job::StorageCheck => JobKind::StorageCheck,
            Job::EvictRenditions => JobKind::EvictRenditions,
            Job::PurgeTrash => JobKind::PurgeTrash,
            Job::CleanClosed => JobKind::CleanClosed,
            Job::OrphanScan => JobKind::OrphanScan,
            Job::Backup { .. } => JobKind::Backup,
            Job::VerifyBackup { .. } => JobKind::VerifyBackup,
            Job::DeleteBackup { .. } => JobKind::DeleteBackup,
            Job::OrphanDelete { .. } => JobKind::OrphanDelete,
        }
    }

    /// The lane it waits in.
    pub fn lane(&self) -> Lane {
        match self {
            // A second, and it decides what can be played: not behind an hour of encoding.
            Job::ProbeMedia { .. } => Lane::Light,
            // Seconds, too: pictures are seen in every list, and a decision is no work.
            Job::ProcessMedia { .. } | Job::PictureMedia { .. } => Lane::Light,
            Job::ProxyMedia { .. } | Job::HlsMedia { .. } => Lane::Media,
            // Whoever is spoken to may be slow: beside what waits for nobody.
            Job::DraftStoryboard { .. } | Job::SendMail { .. } => Lane::Outbound,
            Job::CallWebhook { .. } | Job::TellAlert { .. } => Lane::Outbound,
            // To another disk or machine, and for hours the first time: mails of the day do not wait behind it.
            Job::Backup { .. } | Job::VerifyBackup { .. } | Job::DeleteBackup { .. } => Lane::Outbound,
            Job::Remind | Job::SendDigests | Job::PruneNotices => Lane::Maintenance,
            Job::CleanUp | Job::CacheWarm | Job::Reindex => Lane::Maintenance,
            Job::DbOptimize | Job::IntegrityCheck => Lane::Maintenance,
            Job::PruneJournal | Job::PruneJobs => Lane::Maintenance,
            Job::StorageCheck | Job::EvictRenditions | Job::PurgeTrash | Job::CleanClosed => Lane::Maintenance,
            Job::OrphanScan | Job::OrphanDelete { .. } => Lane::Maintenance,
        }
    }

    /// How often it is tried before it is a dead letter.
    pub fn max_attempts(&self) -> i64 {
        match self {
            Job::ProbeMedia { .. }
            | Job::ProcessMedia { .. }
            | Job::PictureMedia { .. }
            | Job::ProxyMedia { .. }
            | Job::HlsMedia { .. } => 3,
            Job::DraftStoryboard { .. } => 3,
            // A receiver that is down for a night is told in the morning.
            Job::SendMail { .. } | Job::CallWebhook { .. } | Job::TellAlert { .. } => 12,
            Job::Remind | Job::SendDigests | Job::PruneNotices => 3,
            Job::CleanUp => 5,
            // Each goes on where it was.
            Job::DbOptimize | Job::IntegrityCheck | Job::PruneJournal | Job::PruneJobs => 3,
            // Killed in the middle they go on where they were.
            Job::Reindex | Job::PurgeTrash | Job::CleanClosed | Job::EvictRenditions => 3,
            Job::StorageCheck | Job::OrphanScan | Job::OrphanDelete { .. } => 2,
            Job::Backup { .. } | Job::VerifyBackup { .. } | Job::DeleteBackup { .. } => 3,
            // The next hour warms anyway.
            Job::CacheWarm => 1,
        }
    }
}

closed_set! {
    /// Queues that do not wait for each other.
    Lane {
        /// Short work.
        Light = "light",
        /// ffmpeg.
        Media = "media",
        /// What speaks to others: mail servers, webhooks, a model.
        Outbound = "outbound",
        /// The house's own upkeep.
        Maintenance = "maintenance",
    }
}

closed_set! {
    /// The life of a job.
    JobState {
        /// Waits until other jobs are over.
        Waiting = "waiting",
        /// Waits for its lane.
        Ready = "ready",
        /// Held by a lease.
        Running = "running",
        /// Waits for its back-off to pass.
        Retry = "retry",
        /// Over, with its result.
        Done = "done",
        /// Over: time would not have healed it.
        Failed = "failed",
        /// Over: tried as often as allowed (dead letter).
        Dead = "dead",
        /// Over: somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Nothing more happens to it unless somebody asks.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Done | JobState::Failed | JobState::Dead | JobState::Cancelled)
    }

    /// Over, and not well.
    pub fn is_lost(self) -> bool {
        self.is_over() && self != JobState::Done
    }
}

/// Why a job did not end well, and whether trying again can help.
#[derive(Debug)]
pub enum JobError {
    /// Time may heal it: a killed child, a busy store.
    Retry(anyhow::Error),
    /// The same, not before this many milliseconds have passed: whoever was asked says when, or its kind has a back-off of
    /// its own.
    RetryIn(anyhow::Error, i64),
    /// It could not begin, or not go on, for a reason that is not its own, such as a full disk: it waits, and the try
    /// does not count.
    Later(anyhow::Error),
    /// It has found that it needs other jobs, and made itself wait for them by [`queue::wait_for`].
    ///
    /// [`queue::wait_for`]: crate::engines::queue::wait_for
    Waits,
    /// It will fail the same way again. `stderr` is the tail of what the child process said.
    Fail {
        /// One sentence.
        error: String,
        /// Tail of the child's stderr; empty if there was no child.
        stderr: String,
    },
    /// Somebody cancelled it.
    Cancelled,
}

impl<E: Into<anyhow::Error>> From<E> for JobError {
    fn from(e: E) -> JobError {
        JobError::Retry(e.into())
    }
}

/// Where a running job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// 0–100.
    pub percent: f32,
    /// Frames a second, when frames are made.
    #[serde(default)]
    pub fps: Option<f32>,
    /// Media seconds a wall-clock second.
    #[serde(default)]
    pub speed: Option<f32>,
    /// Estimated time to the end, in milliseconds.
    #[serde(default)]
    pub eta_ms: Option<i64>,
}
