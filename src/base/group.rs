//! The groups of cached answers: what is counted, warmed and purged together.

use crate::closed_set;

closed_set! {
    /// A kind of answer that is kept.
    Group {
        /// A person's own profile.
        Me = "me",
        /// A person's dashboard.
        Dashboard = "dashboard",
        /// Lists of projects.
        Projects = "projects",
        /// One project.
        Project = "project",
        /// One project's dashboard.
        ProjectDashboard = "project_dashboard",
        /// Members of a project.
        Members = "members",
        /// Feeds of feedbacks.
        Feedbacks = "feedbacks",
        /// One feedback.
        Feedback = "feedback",
        /// Feeds of comments.
        Comments = "comments",
        /// One comment.
        Comment = "comment",
        /// The journal of a project.
        Events = "events",
        /// Who asks and what he may do: kept in process memory alone.
        Sessions = "sessions",
        /// Which project a row stands in: kept in process memory alone.
        Places = "places",
    }
}
