//! Promises that the server can be told to break.

/// What the server does wrong; all but the last kinds do it now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Grants an exclusive acquire though another is held.
    GrantsTwice,
    /// Grants shared and exclusive together.
    MixesModes,
    /// Grants more permits than there are.
    OverPermits,
    /// Gives the token of the grant before once more.
    ReusesToken,
    /// Gives a token smaller than the one before.
    TokenGoesBack,
    /// Serves who came last.
    LastFirst,
    /// Serves the second of two waiters of one connection before the first.
    SwapsOnConnection,
    /// Sends a grant twice.
    AnswersTwice,
    /// Answers under an id that was never asked under.
    AnswersWrongId,
    /// Grants what it has just refused for its time.
    GrantsAfterTimeout,
    /// Swallows an answer.
    DropsAnswer,
    /// Ends holds long before the lease that it told, and says nothing.
    ShortensLease,
    /// Sends bytes that are no frame.
    SendsGarbage,
}

impl Fault {
    /// One of so many occasions is used.
    pub(super) const fn rarity(self) -> u32 {
        match self {
            Self::GrantsTwice | Self::MixesModes | Self::OverPermits => 5,
            Self::ReusesToken | Self::TokenGoesBack => 20,
            Self::AnswersTwice | Self::AnswersWrongId | Self::DropsAnswer | Self::SendsGarbage => {
                50
            }
            _ => 1,
        }
    }
}
