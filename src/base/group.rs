//! The groups of cached answers: what is counted, warmed and purged together.

use crate::closed_set;

impl Group {
    /// The path template under which its requests are counted.
    pub fn route(self) -> &'static str {
        match self {
            Group::Me => "/api/v1/me",
            Group::Dashboard => "/api/v1/dashboard",
            Group::Projects => "/api/v1/projects",
            Group::Project => "/api/v1/projects/{id}",
            Group::ProjectDashboard => "/api/v1/projects/{id}/dashboard",
            Group::Members => "/api/v1/projects/{id}/members",
            Group::Feedbacks => "/api/v1/projects/{id}/feedbacks",
            Group::Feedback => "/api/v1/feedbacks/{id}",
            Group::Comments => "/api/v1/feedbacks/{id}/comments",
            Group::Comment => "/api/v1/comments/{id}",
            Group::Events => "/api/v1/projects/{id}/events",
            Group::Sessions | Group::Places => "none",
        }
    }
}

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
