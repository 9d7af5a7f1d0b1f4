"""The data lake's jobs: PySpark on AWS Glue 5, or on any Spark 3.5."""
