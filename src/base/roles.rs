//! Who may be what: project roles, site roles, and the rights that roles carry.

/// Declares a closed set with its name on the wire and in the store.
#[macro_export]
macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All values, in their order.
            #[allow(dead_code)]
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The name on the wire and in the store.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// All names, for a sentence that lists what is allowed.
            pub fn names() -> String {
                [$($text),+].join(", ")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($text),+])).into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::locale::Text;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($text => Ok($name::$variant),)+
                    _ => Err($crate::base::locale::Text::new("invalid.one_of").with("allowed", $name::names())),
                }
            }
        }
    };
}

closed_set! {
    /// A person's role in one project, strongest first.
    Role {
        /// 소유자
        Owner = "owner",
        /// 관리자
        Manager = "manager",
        /// 편집자
        Editor = "editor",
        /// 리뷰어
        Reviewer = "reviewer",
        /// 뷰어
        Viewer = "viewer",
    }
}

closed_set! {
    /// A person's role on the whole instance. It opens the dashboard, not other people's projects.
    SiteRole {
        /// Changes everything on the dashboard.
        Admin = "admin",
        /// Reads the dashboard and runs jobs.
        Operator = "operator",
        /// Everybody else.
        Member = "member",
    }
}

closed_set! {
    /// What can be done in a project. `projects::allow` is the only judge.
    Right {
        /// See the project and watch its media.
        View = "view",
        /// See comments for the team alone.
        SeeInternal = "see_internal",
        /// Comment and react.
        Comment = "comment",
        /// Approve or reject.
        Decide = "decide",
        /// Add feedbacks, upload versions, change a feedback's status.
        Upload = "upload",
        /// Change plans and the schedule.
        Plan = "plan",
        /// Edit the project, its members, invitations and shares; delete anybody's comment.
        Manage = "manage",
        /// Delete, restore or transfer the project.
        Own = "own",
    }
}

impl Role {
    /// The table of rights.
    pub fn may(self, right: Right) -> bool {
        let weakest = match right {
            Right::View => Role::Viewer,
            Right::Comment | Right::Decide => Role::Reviewer,
            Right::SeeInternal | Right::Upload | Right::Plan => Role::Editor,
            Right::Manage => Role::Manager,
            Right::Own => Role::Owner,
        };
        self <= weakest
    }
}
