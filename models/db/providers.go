package db

import (
	"context"

	"gorm.io/gorm"

	"searchd/models"
)

// CreateProvider stores p. An id in use is a Conflict.
func (d *DB) CreateProvider(ctx context.Context, p *models.Provider) error {
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := clearDefault(tx, p); err != nil {
			return err
		}
		return tx.Create(p).Error
	})
	if isDuplicate(err) {
		return models.Errorf(models.Conflict, "provider_id", "a provider %q exists already", p.ProviderID)
	}
	return err
}

// UpdateProvider stores all of p, which was read before.
func (d *DB) UpdateProvider(ctx context.Context, p *models.Provider) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := clearDefault(tx, p); err != nil {
			return err
		}
		return tx.Save(p).Error
	})
}

// clearDefault makes room for a new default: there is one at most.
func clearDefault(tx *gorm.DB, p *models.Provider) error {
	if !p.IsDefault {
		return nil
	}
	return tx.Model(&models.Provider{}).Where("is_default AND seq <> ?", p.Seq).Update("is_default", false).Error
}

// Provider is the provider of an id, or NotFound.
func (d *DB) Provider(ctx context.Context, id string) (models.Provider, error) {
	var p models.Provider
	err := d.read.WithContext(ctx).Where("provider_id = ?", id).Take(&p).Error
	return p, notFound(err, "provider", "there is no provider %q; GET /providers lists them", id)
}

// Providers lists the providers, the default first.
func (d *DB) Providers(ctx context.Context) ([]models.Provider, error) {
	var list []models.Provider
	err := d.read.WithContext(ctx).Order("is_default DESC, provider_id").Find(&list).Error
	return list, err
}

// DeleteProvider removes a provider.
func (d *DB) DeleteProvider(ctx context.Context, id string) error {
	gone := d.write.WithContext(ctx).Where("provider_id = ?", id).Delete(&models.Provider{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return models.Errorf(models.NotFound, "provider", "there is no provider %q; GET /providers lists them", id)
	}
	return gone.Error
}
