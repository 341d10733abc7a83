"""Names of the model server's metrics as they are exposed, and the bounds of its histograms.

The server registers them, and alerts, dashboards and the command line ask for them. A counter's
name ends in `_total` here, as Prometheus has it; a histogram's series add `_bucket`, `_sum` and
`_count`.
"""

from __future__ import annotations

from typing import Final

HTTP_REQUESTS: Final = "slipway_http_requests_total"
GRPC_REQUESTS: Final = "slipway_grpc_requests_total"

INFERENCE_REQUESTS: Final = "slipway_inference_requests_total"
INFERENCE_REFUSALS: Final = "slipway_inference_refusals_total"
INFERENCE_ROWS: Final = "slipway_inference_rows_total"
INFERENCE_SECONDS: Final = "slipway_inference_duration_seconds"
INFERENCE_IN_FLIGHT: Final = "slipway_inference_in_flight"
INFERENCE_QUEUE_DEPTH: Final = "slipway_inference_queue_depth"
BATCH_ROWS: Final = "slipway_inference_batch_rows"
EXPLANATIONS: Final = "slipway_explanations_total"
EXPLANATION_SECONDS: Final = "slipway_explanation_duration_seconds"

MODEL_READY: Final = "slipway_model_ready"
MODEL_INFO: Final = "slipway_model_info"
MODEL_SWAPS: Final = "slipway_model_swaps_total"
MODEL_LOAD_SECONDS: Final = "slipway_model_load_seconds"
MODEL_LOAD_FAILURES: Final = "slipway_model_load_failures_total"
CHALLENGER_WEIGHT: Final = "slipway_challenger_weight"
POLL_FAILURES: Final = "slipway_tracking_poll_failures_total"

LOG_RECORDS: Final = "slipway_prediction_log_records_total"
LOG_DROPPED: Final = "slipway_prediction_log_dropped_total"
LOG_SHIPPED: Final = "slipway_prediction_log_shipped_total"
LOG_FAILURES: Final = "slipway_prediction_log_failures_total"
LOG_TORN: Final = "slipway_prediction_log_torn_total"
LOG_PENDING_BYTES: Final = "slipway_prediction_log_pending_bytes"
LOG_DELAY_SECONDS: Final = "slipway_prediction_log_delay_seconds"

SHADOW_PREDICTIONS: Final = "slipway_shadow_predictions_total"
SHADOW_SKIPPED: Final = "slipway_shadow_skipped_total"
SHADOW_DIFFERENCE: Final = "slipway_shadow_difference"

FEATURE_OUT_OF_RANGE: Final = "slipway_feature_out_of_range_total"
FEATURE_MISSING: Final = "slipway_feature_missing_total"
PREDICTION_VALUE: Final = "slipway_prediction_value"

SECONDS_BOUNDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5),
)
"""Of `INFERENCE_SECONDS`: only these can be promised and measured."""

ROWS_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
"""Of `BATCH_ROWS`."""
