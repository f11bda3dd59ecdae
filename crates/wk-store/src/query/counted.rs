//! Aggregates that the manifest answers without reading a file: how many rows, the first, the last.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::aggregate_statistics::AggregateStatistics;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

/// DataFusion's rules, with its answers from statistics only where nothing is filtered. Behind a
/// filter `x = …` DataFusion 55.2 takes an estimate of rows for a promise that there are some:
/// `count(DISTINCT x)` of no rows is then 1.
pub(super) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let ours = |rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>| match rule.name() {
        "aggregate_statistics" => Arc::new(OfWholeTables(AggregateStatistics::new())),
        _ => rule,
    };
    PhysicalOptimizer::new().rules.into_iter().map(ours).collect()
}

#[derive(Debug)]
struct OfWholeTables(AggregateStatistics);

impl PhysicalOptimizerRule for OfWholeTables {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut filtered = false;
        plan.apply(|node| {
            filtered |= node.downcast_ref::<FilterExec>().is_some();
            Ok(if filtered { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if filtered { Ok(plan) } else { self.0.optimize(plan, config) }
    }
    fn name(&self) -> &str {
        "statistics_of_whole_tables"
    }
    fn schema_check(&self) -> bool {
        false
    }
}
