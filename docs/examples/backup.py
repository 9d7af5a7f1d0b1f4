"""Daily and weekly backups of the tables that carry the tag, each with a copy in a second region."""

from components.operations.backup import Backup, BackupArgs

args = BackupArgs(keep_days=35, weekly_keep_days=365, copy_to="ap-northeast-3")
Backup("wiki-prod-backup", args, tags={"Project": "wiki"}, stores=["dynamodb"])
