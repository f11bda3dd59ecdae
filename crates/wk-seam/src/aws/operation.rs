//! What is always true of an operation of a service.

/// An operation of a service, as AWS's models describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The service, by the name that IAM and signatures know it by: `sqs`, `logs`, `cloudtrail`.
    pub service: &'static str,
    /// The operation's name: `ReceiveMessage`.
    pub name: &'static str,
    /// The IAM action that allows it: `sqs:ReceiveMessage`. Empty where none is needed.
    pub permission: &'static str,
    /// What it does there.
    pub effect: Effect,
    /// How it travels.
    pub http: Http,
    /// How its pages go on.
    pub pages: Paging,
    /// Members of the parameters that the record of the call does not show, at any depth.
    pub masked: &'static [&'static str],
}

/// What an operation does to the account it is put to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// The same, however often it is made: deleting a message, say. It may be repeated blindly.
    Repeatable,
    /// Something each time. It is repeated only where it is sure that it was not carried out.
    EachTime,
}

/// How an operation travels, where that is not the same for the whole service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    /// `POST /` with everything in the body: JSON, query and EC2 services.
    Post,
    /// A method and path of its own: REST services.
    Rest {
        /// `GET`, `POST`, …
        method: &'static str,
        /// `/detector/{DetectorId}`; names in braces are parameters.
        path: &'static str,
        /// Parameters that travel behind the `?`, and how they are spelt there.
        query: &'static [(&'static str, &'static str)],
    },
}

/// How the pages of an answer go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// There is one page.
    One,
    /// A member of the answer is the parameter of the next call, until there is none. The same one
    /// twice is an error.
    Token {
        /// The parameter.
        input: &'static str,
        /// The member of the answer.
        output: &'static str,
    },
    /// The same, but the end shows by the token being the one that was sent.
    TokenStands {
        /// The parameter.
        input: &'static str,
        /// The member of the answer.
        output: &'static str,
    },
}

impl Operation {
    /// A nameless read in one page, to be completed: `Operation { service, name, …, ..READ }`.
    pub const READ: Self = Self {
        service: "",
        name: "",
        permission: "",
        effect: Effect::Read,
        http: Http::Post,
        pages: Paging::One,
        masked: &[],
    };
}

impl Paging {
    /// A token that is called the same in both directions: `NextToken`, `nextToken`.
    pub const fn next_token(name: &'static str) -> Self {
        Self::Token { input: name, output: name }
    }

    /// Parameter and member of the token, where there is one.
    pub fn names(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::One => None,
            Self::Token { input, output } | Self::TokenStands { input, output } => {
                Some((input, output))
            }
        }
    }
}
