//! How much time credentials have left, as a histogram: made anew from each look at the database, for time passes without
//! anything being observed. So its counters fall as well as rise: it is read as it stands, without `rate`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::labels::OfEnd;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// Upper bounds in seconds: what is over, the hours in which short-lived tokens live, and the days that merchants are told.
pub const UNTIL_EXPIRY: [f64; 10] = [
    0.0,
    HOUR / 4.0,
    HOUR,
    6.0 * HOUR,
    DAY,
    7.0 * DAY,
    30.0 * DAY,
    90.0 * DAY,
    180.0 * DAY,
    365.0 * DAY,
];

/// What ends, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeToExpiry {
    /// `access_token`, `refresh_token` or `authorization`.
    pub what: &'static str,
    /// How many have at most as much time left as each bound, and more than the one before; at last those beyond all.
    pub buckets: [u64; UNTIL_EXPIRY.len() + 1],
    /// Seconds left, summed; what is over has none.
    pub seconds: f64,
}

impl TimeToExpiry {
    pub fn none(what: &'static str) -> Self {
        Self {
            what,
            buckets: [0; UNTIL_EXPIRY.len() + 1],
            seconds: 0.0,
        }
    }
}

/// The last look's.
#[derive(Debug, Clone, Default)]
pub(super) struct Histograms(Arc<Mutex<Vec<TimeToExpiry>>>);

impl Histograms {
    pub fn registered(registry: &mut Registry) -> Self {
        let made = Self::default();
        registry.register_collector(Box::new(made.clone()));
        made
    }

    pub fn set(&self, histograms: &[TimeToExpiry]) {
        // A panic elsewhere leaves the list whole.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = histograms.to_vec();
    }
}

impl Collector for Histograms {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let histograms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if histograms.is_empty() {
            return Ok(());
        }
        let mut metric = encoder.encode_descriptor(
            "credential_time_to_expiry",
            "Time that living credentials have left, as of the last look at the database",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for histogram in histograms.iter() {
            let labels = OfEnd { what: histogram.what };
            let bounds = UNTIL_EXPIRY.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(histogram.buckets).collect();
            let count = histogram.buckets.iter().sum();
            metric
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(histogram.seconds, count, &buckets, None)?;
        }
        Ok(())
    }
}
