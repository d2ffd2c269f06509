//! Medians, and ratios of what was measured in the same round.

/// A median with the lowest and the highest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// The spread of values; all zero when there are none.
pub fn spread(values: impl IntoIterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let at = |i: usize| values.get(i).copied().unwrap_or_default();
    let median = if values.len() % 2 == 1 {
        at(upper)
    } else {
        (at(upper.saturating_sub(1)) + at(upper)) / 2.0
    };
    Spread {
        median,
        low: at(0),
        high: at(values.len().saturating_sub(1)),
    }
}

/// The spread of `a/b`, round by round.
pub fn ratios(a: &[f64], b: &[f64]) -> Spread {
    spread(a.iter().zip(b).map(|(a, b)| a / b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let of = |values: &[f64]| spread(values.iter().copied()).median;
        assert_eq!(of(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(of(&[]), 0.0);
    }

    #[test]
    fn a_slow_round_that_hits_both_does_not_move_their_ratio() {
        let found = ratios(&[100.0, 10.0, 100.0], &[50.0, 5.0, 50.0]);
        assert_eq!((found.low, found.median, found.high), (2.0, 2.0, 2.0));
    }
}
