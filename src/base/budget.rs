//! What a request may take: the performance guide's budget for all of them, tighter ones where answers are kept, sought or
//! come alive. A closed table: dashboard, slow log and alerts judge by the same one.

use crate::base::group::Group;
use crate::closed_set;

closed_set! {
    /// A group of routes that are judged alike.
    Budget {
        /// Answers that are kept.
        Cached = "cached",
        /// Search and suggestions.
        Search = "search",
        /// Sockets and streams until they begin, and who looks whether the program lives.
        Live = "live",
        /// Bytes of films until they begin.
        Bytes = "bytes",
        /// Bodies that take as long as the sender's line: not judged.
        Upload = "upload",
        /// Everything else, as the guide has it.
        General = "general",
    }
}

/// Half, 95 % and 99 % of the requests shall take no longer, in microseconds.
pub type Times = [u64; 3];

/// The guide's own, for the instance as a whole.
pub const GUIDE: Times = [100_000, 200_000, 500_000];

impl Budget {
    /// The budget of a method on a path template.
    pub fn of(method: &str, route: &str) -> Budget {
        let read = matches!(method, "GET" | "HEAD");
        match route {
            // No route at all; also that of the groups which are no answers.
            "none" => Budget::General,
            "/health" | "/ready" | "/admin/live" => Budget::Live,
            _ if route.starts_with("/ws/") => Budget::Live,
            "/search" => Budget::Search,
            _ if route.starts_with("/api/v1/search") => Budget::Search,
            _ if route.starts_with("/api/v1/uploads") && !read => Budget::Upload,
            _ if route.starts_with("/api/v1/media/{id}/{") => Budget::Bytes,
            _ if read && Group::ALL.iter().any(|g| g.route() == route) => Budget::Cached,
            _ => Budget::General,
        }
    }

    /// What it allows; `None` if it is not judged.
    pub fn times(self) -> Option<Times> {
        match self {
            Budget::Cached => Some([20_000, 100_000, 250_000]),
            Budget::Search => Some([50_000, 150_000, 400_000]),
            Budget::Live => Some([20_000, 50_000, 200_000]),
            Budget::Bytes | Budget::General => Some(GUIDE),
            Budget::Upload => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_the_budget_of_what_it_does() {
        for (method, route, budget) in [
            ("GET", "/api/v1/projects/{id}/dashboard", Budget::Cached),
            ("PATCH", "/api/v1/projects/{id}", Budget::General),
            ("GET", "/api/v1/search/suggest", Budget::Search),
            ("GET", "/ws/projects/{id}", Budget::Live),
            ("PATCH", "/api/v1/uploads/{id}", Budget::Upload),
            ("HEAD", "/api/v1/uploads/{id}", Budget::General),
            ("GET", "/api/v1/media/{id}/{file}", Budget::Bytes),
            ("GET", "/api/v1/media/{id}", Budget::General),
            ("GET", "none", Budget::General),
        ] {
            assert_eq!(Budget::of(method, route), budget, "{method} {route}");
        }
    }

    #[test]
    fn no_budget_is_above_the_guides() {
        for times in Budget::ALL.iter().filter_map(|b| b.times()) {
            assert!(times.iter().zip(GUIDE).all(|(mine, guide)| *mine <= guide) && times.is_sorted());
        }
    }
}
