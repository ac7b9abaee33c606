package ingest

import "searchd/models"

// inConflict is what becomes of a document whose id is stored already, and that must not replace the one that is there.
func inConflict(item models.JobItem, policy models.OnConflict) models.JobItem {
	if policy == models.SkipConflicts {
		item.Status = models.ItemSkipped
		return item
	}
	return failed(item, models.Errorf(models.Conflict, "id", "%q is there already; replace it with on_conflict=replace, or give another id", item.DocumentID))
}
