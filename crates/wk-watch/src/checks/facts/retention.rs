//! How long log groups keep what they hold.

/// The only terms, in days, that CloudWatch Logs takes. 2555 is not among them: seven years are 2557.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub(crate) const LEGAL_DAYS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The shortest legal term that is not shorter.
pub(crate) fn at_least(days: i64) -> Option<i64> {
    LEGAL_DAYS.into_iter().find(|legal| *legal >= days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_rounded_up_to_legal_ones_and_never_down() {
        assert!(LEGAL_DAYS.is_sorted());
        for (asked, legal) in [(1, 1), (2, 3), (90, 90), (366, 400), (2555, 2557), (2557, 2557)] {
            assert_eq!(at_least(asked), Some(legal));
        }
        assert_eq!(at_least(4000), None);
    }
}
